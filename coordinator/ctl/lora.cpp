// `pirouette lora add | remove`: a LoRA file under a name that recipes use; workers fetch it by
// themselves. The file is looked at here first, so that one that no worker could read is not sent.

#include <fstream>
#include <nlohmann/json.hpp>

#include "common/job/lora_head.h"
#include "common/job/recipe.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/user.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 1u << 20;

struct LookedAt {
  Digest sha256;
  std::uint64_t bytes = 0;
};

Result<LookedAt> look_at(const fs::path& file) {
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) {
    return Error{Errc::invalid, file.string() +
                                    " is a folder; name its adapter_model.safetensors. Alphas that "
                                    "stand only in its adapter_config.json do not travel"};
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{Errc::not_found, "cannot open " + file.string()};
  Sha256 hash;
  LoraHead head;
  LookedAt seen;
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (in.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size())),
         in.gcount() > 0) {
    const auto bytes = std::span(piece).first(static_cast<std::size_t>(in.gcount()));
    hash.update(bytes);
    head.add(bytes);
    seen.bytes += bytes.size();
  }
  if (in.bad()) return Error{Errc::io, "cannot read " + file.string()};
  if (auto fits = head.check(); !fits.ok()) return std::move(fits).error().with(file.string());
  if (seen.bytes > kLoraMaxBytes) {
    return Error{Errc::invalid, file.string() + " has " + format_bytes(seen.bytes) +
                                    "; a LoRA may have " + format_bytes(kLoraMaxBytes)};
  }
  seen.sha256 = hash.finish();
  return seen;
}

std::string by_whom(char before) {
  const std::string user = find_user();
  return user.empty() ? "" : before + ("by=" + path_segment(user));
}

bool is_there_already(Client& client, const LoraOptions& options, const LookedAt& file) {
  const auto row = client.get("/loras/" + path_segment(options.name));
  return row.ok() && text_of(row.value(), "sha256") == to_hex(file.sha256) &&
         (!options.trigger || *options.trigger == text_of(row.value(), "trigger"));
}

}  // namespace

Result<Exit> add_lora(Client& client, const LoraOptions& options, Console& console) {
  const LookedAt file = TRY(look_at(options.file));
  std::string path = "/loras/" + path_segment(options.name);
  if (is_there_already(client, options, file)) {
    const Json row = TRY(client.get(path));
    console.out << (console.json ? row.dump()
                                 : options.name + " is registered with this file already")
                << "\n";
    return Exit::ok;
  }
  path += "?sha256=" + to_hex(file.sha256) + by_whom('&');
  if (options.trigger) path += "&trigger=" + path_segment(*options.trigger);
  if (options.replace) path += "&replace=true";
  const Json row = TRY(client.put_file(path, options.file, file.bytes));
  if (console.json) {
    console.out << row.dump() << "\n";
    return Exit::ok;
  }
  const std::string trigger = text_of(row, "trigger");
  console.out << printable(text_of(row, "name"))
              << " is registered: " << format_bytes(number_of(row, "bytes")) << ", "
              << (trigger.empty() ? "no trigger" : "trigger \"" + printable(trigger) + "\"")
              << "; workers fetch it for the first job that needs it\n";
  return Exit::ok;
}

Result<Exit> remove_lora(Client& client, const std::string& name, Console& console) {
  const Json answer = TRY(client.del("/loras/" + path_segment(name) + by_whom('?')));
  console.out << (console.json ? answer.dump()
                               : name +
                                     " is not registered any more; batches that were submitted "
                                     "with it keep it")
              << "\n";
  return Exit::ok;
}

}  // namespace pirouette::ctl
