#pragma once
// schema/openapi.yaml as data: its operations, what each answers, and whether a body is what its
// schema says. A strict subset of JSON Schema; a keyword that is not in it is a complaint, so that
// nothing stands in the document without being checked. Objects are closed: a field that no
// `properties` names is a complaint too, unless additionalProperties is true.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace pirouette::openapi {

using nlohmann::json;

struct Operation {
  std::string method;  // "GET"
  std::string path;    // "/api/v1/batches/{id}"
  std::set<int> statuses;
  bool operator<(const Operation& other) const {
    return std::pair(path, method) < std::pair(other.path, other.method);
  }
};

// What came back, as the document sees it. Header names in lower case.
struct Answered {
  int status = 0;
  std::string type;  // of the content, with its parameters
  std::map<std::string, std::string> headers;
  std::string body;
};

class Description {
 public:
  // Files that the document refers to lie beside it. Throws what yaml-cpp throws.
  explicit Description(const std::filesystem::path& openapi);

  const std::vector<Operation>& operations() const { return operations_; }
  // Null if there is none.
  const Operation* find(const std::string& method, const std::string& path) const;

  // A sentence for each way in which this is no answer of that operation: status, type of content,
  // headers, body.
  std::vector<std::string> complaints(const Operation& operation, const Answered& answered) const;

  // The same for one value. A schema is a part of the document.
  std::vector<std::string> complaints(const json& schema, const json& value) const;

 private:
  json document_;
  std::filesystem::path folder_;
  std::vector<Operation> operations_;
};

}  // namespace pirouette::openapi
