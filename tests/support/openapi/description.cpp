#include "tests/support/openapi/description.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "tests/support/openapi/schema.h"

namespace pirouette::openapi {
namespace {

constexpr const char* kMethods[] = {"get", "put", "post", "patch", "delete"};

json scalar(const YAML::Node& node) {
  const std::string text = node.Scalar();
  if (node.Tag() == "!") return text;  // it was in quotes
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  const json number = json::parse(text, nullptr, false);
  return number.is_number() ? number : json(text);
}

json to_json(const YAML::Node& node) {
  if (node.IsMap()) {
    json object = json::object();
    for (const auto& entry : node) object[entry.first.Scalar()] = to_json(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    json array = json::array();
    for (const auto& element : node) array.push_back(to_json(element));
    return array;
  }
  return node.IsNull() ? json() : scalar(node);
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// "text/html; charset=utf-8" is "text/html".
std::string media_type(const std::string& type) { return type.substr(0, type.find(';')); }

const json& part(const json& document, const std::string& ref) {
  const json::json_pointer at(ref.substr(ref.find('#') + 1));
  if (!document.contains(at)) throw std::runtime_error("nothing stands at " + ref);
  return document.at(at);
}

}  // namespace

Description::Description(const std::filesystem::path& openapi)
    : document_(to_json(YAML::LoadFile(openapi))), folder_(openapi.parent_path()) {
  // Schemas of files beside it become parts of the document.
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".schema.json"))
      document_["files"][name] = to_json(YAML::LoadFile(entry.path()));
  }
  for (const auto& [path, of_path] : document_["paths"].items()) {
    for (const char* method : kMethods) {
      if (!of_path.contains(method)) continue;
      Operation operation{upper_case(method), path, {}};
      for (const auto& [status, ignored] : of_path[method]["responses"].items()) {
        operation.statuses.insert(std::stoi(status));
      }
      operations_.push_back(std::move(operation));
    }
  }
  std::sort(operations_.begin(), operations_.end());
}

const Operation* Description::find(const std::string& method, const std::string& path) const {
  const auto found = std::ranges::find_if(
      operations_, [&](const Operation& one) { return one.method == method && one.path == path; });
  return found == operations_.end() ? nullptr : &*found;
}

std::vector<std::string> Description::complaints(const Operation& operation,
                                                 const Answered& answered) const {
  if (!operation.statuses.contains(answered.status)) {
    return {"the status " + std::to_string(answered.status) + " is not described"};
  }
  const json* response = &document_["paths"][operation.path][lower_case(operation.method)]
                                   ["responses"][std::to_string(answered.status)];
  if (response->contains("$ref")) response = &part(document_, (*response)["$ref"]);
  std::vector<std::string> all;
  if (response->contains("headers")) {
    for (const auto& [header, described] : (*response)["headers"].items()) {
      if (described.value("required", false) && !answered.headers.contains(lower_case(header))) {
        all.push_back("the header " + header + " is missing");
      }
    }
  }
  const std::string type = media_type(answered.type);
  if (!response->contains("content")) {
    if (!answered.body.empty()) all.push_back("there is a body, and none is described");
    return all;
  }
  const json& content = (*response)["content"];
  if (!content.contains(type)) {
    all.push_back("content of type \"" + type + "\" is not described");
    return all;
  }
  if (!type.ends_with("json")) return all;
  const json body = json::parse(answered.body, nullptr, false);
  if (body.is_discarded()) {
    all.push_back("the body is no JSON");
    return all;
  }
  for (std::string& one : complaints(content[type]["schema"], body)) all.push_back(std::move(one));
  return all;
}

std::vector<std::string> Description::complaints(const json& schema, const json& value) const {
  const Locate locate = [this](const std::string& ref, const json& document) -> Located {
    if (ref.starts_with("#")) return {&part(document, ref), &document};
    const json& file = document_["files"].at(ref);
    return {&file, &file};
  };
  return check_value({&schema, &document_}, value, locate);
}

}  // namespace pirouette::openapi
