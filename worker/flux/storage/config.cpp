#include "worker/flux/storage/config.h"

#include <utility>

#include "common/files.h"
#include "worker/flux/storage/json_text.h"

namespace pirouette::flux {

Result<nlohmann::json> load_config(const std::filesystem::path& path) {
  constexpr std::size_t kConfigMaxBytes = 1u << 20;
  auto config = parse_json_object(TRY(read_file(path, kConfigMaxBytes)));
  if (!config.ok()) return Error{config.error().code, path.string() + ' ' + config.error().what};
  return config;
}

}  // namespace pirouette::flux
