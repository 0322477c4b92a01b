#include "worker/flux/config.h"

#include <utility>

#include "common/files.h"

namespace pirouette::flux {

Result<nlohmann::json> load_config(const std::filesystem::path& path) {
  constexpr std::size_t kConfigMaxBytes = 1u << 20;
  const auto bytes = TRY(read_file(path, kConfigMaxBytes));
  auto config =
      nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return Error{Errc::corrupt, path.string() + " is not a JSON object"};
  return config;
}

}  // namespace pirouette::flux
