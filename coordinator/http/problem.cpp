#include "coordinator/http/problem.h"

#include <cctype>
#include <nlohmann/json.hpp>

namespace pirouette::http {
namespace {

std::string as_sentence(std::string_view what) {
  std::string sentence(what);
  if (sentence.empty()) return sentence;
  sentence.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence.front())));
  if (sentence.back() != '.' && sentence.back() != '?') sentence += '.';
  return sentence;
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Error";
  }
}

Answer problem(int status, std::string_view detail) {
  Answer answer;
  answer.status = status;
  answer.type = "application/problem+json";
  // Words from outside may be any bytes: what is not UTF-8 is replaced.
  answer.body = nlohmann::ordered_json{{"type", "about:blank"},
                                       {"title", reason_phrase(status)},
                                       {"status", status},
                                       {"detail", as_sentence(detail)}}
                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (status == 503) answer.headers.emplace_back("Retry-After", "2");
  return answer;
}

Answer problem(const Error& error) { return problem(status_of(error.code), error.what); }

}  // namespace pirouette::http
