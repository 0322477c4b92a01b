#include "worker/flux/lora.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "worker/flux/lora_config.h"
#include "worker/flux/lora_key.h"
#include "worker/flux/to_device.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

// One module's tensors by what they are to it. Its name is as written, with "#2" behind it for the
// third part of a projection that kohya split.
struct Parts {
  std::string module;
  SpelledModule spelled;
  std::map<LoraRole, Tensor> tensors;

  const Tensor* find(LoraRole role) const {
    const auto found = tensors.find(role);
    return found == tensors.end() ? nullptr : &found->second;
  }
  bool has(LoraRole role) const { return tensors.contains(role); }
};

// What is known while one file is read.
struct Reading {
  std::string source;
  AdapterConfig config;
  std::map<std::string, Parts> modules;
  std::map<std::string, double> alphas;  // by the module's name as written

  Error refuse(const std::string& what) const {
    return {Errc::invalid, "LoRA " + source + ": " + what};
  }
  Error refuse_key(const std::string& key) const {
    const std::string_view kind = kind_of_unsupported_key(key);
    if (kind.empty())
      return refuse("key \"" + key +
                    "\" fits no weight of FLUX.1; see docs/loras.md for the formats that are read");
    return refuse("key \"" + key + "\" is " + std::string(kind) +
                  ", which is not supported; nothing of a LoRA is left out, so take one without "
                  "it");
  }
};

// The part of a fused projection that is split's.
std::optional<RowPart> part_of_split(const LoraTarget& target, int split) {
  constexpr std::array kParts = {RowPart::q, RowPart::k, RowPart::v, RowPart::mlp};
  const bool is_single = target.module.ends_with("linear1");
  if (!is_single && !target.module.ends_with("_attn.qkv")) return std::nullopt;
  if (target.part != RowPart::whole || split >= (is_single ? 4 : 3)) return std::nullopt;
  return kParts[static_cast<std::size_t>(split)];
}

Result<void> collect(Reading& reading, const std::string& key, const Tensor& tensor) {
  const auto parsed = parse_lora_key(key);
  auto spelled = parsed ? find_spelled_module(parsed->module) : std::nullopt;
  if (!spelled || !tensor.is_floating_point()) return reading.refuse_key(key);
  if (parsed->role == LoraRole::alpha) {
    if (tensor.numel() != 1) return reading.refuse("\"" + key + "\" is not one number");
    const auto alpha = tensor.item<double>();
    if (!std::isfinite(alpha)) return reading.refuse("\"" + key + "\" is not finite");
    reading.alphas[parsed->module] = alpha;
    return {};
  }
  std::string name = parsed->module;
  if (parsed->split >= 0) {
    const auto part = part_of_split(spelled->target, parsed->split);
    if (!part) return reading.refuse_key(key);
    spelled->target.part = *part;
    name += '#' + std::to_string(parsed->split);
  }
  const bool may_be_vector = parsed->role == LoraRole::diff || parsed->role == LoraRole::diff_bias;
  if (tensor.dim() != 2 && !(may_be_vector && tensor.dim() == 1))
    return reading.refuse("\"" + key + "\" is not a matrix");
  if (tensor.numel() == 0) return reading.refuse("\"" + key + "\" is empty");
  Parts& parts =
      reading.modules.try_emplace(name, Parts{parsed->module, *spelled, {}}).first->second;
  if (!parts.tensors.emplace(parsed->role, tensor).second)
    return reading.refuse("module \"" + name + "\" stands twice in it");
  return {};
}

// Every alpha belongs to a module that is there.
Result<void> check_alphas(const Reading& reading) {
  for (const auto& [module, alpha] : reading.alphas) {
    const bool is_used = std::ranges::any_of(
        reading.modules, [&](const auto& entry) { return entry.second.module == module; });
    if (!is_used) return reading.refuse("\"" + module + "\" has an alpha but no weights");
  }
  return {};
}

double scale_of(const Reading& reading, const Parts& parts, int64_t rank) {
  const auto own = reading.alphas.find(parts.module);
  const auto alpha = own != reading.alphas.end() ? std::optional(own->second)
                                                 : reading.config.find_alpha(parts.module);
  if (!alpha || rank == 0) return 1.0;
  const auto ranks = static_cast<double>(rank);
  return *alpha / (reading.config.scales_by_root ? std::sqrt(ranks) : ranks);
}

std::string size_text(const Tensor& t) {
  return std::to_string(t.size(0)) + " x " + std::to_string(t.size(1));
}

Result<LoraModule> make_low_rank(const Reading& reading, const std::string& name,
                                 const Parts& parts) {
  const Tensor *down = parts.find(LoraRole::down), *up = parts.find(LoraRole::up);
  if (down == nullptr || up == nullptr)
    return reading.refuse("module \"" + name + "\" has only one of lora_A and lora_B");
  const int64_t rank = down->size(0);
  if (up->size(1) != rank)
    return reading.refuse("module \"" + name + "\" has lora_A of rank " + std::to_string(rank) +
                          " and lora_B of rank " + std::to_string(up->size(1)));
  const AdapterConfig& config = reading.config;
  if (config.rank && !config.ranks_differ && static_cast<double>(rank) != *config.rank)
    return reading.refuse(
        "module \"" + name + "\" is of rank " + std::to_string(rank) +
        ", but its settings say r = " + std::to_string(static_cast<int64_t>(*config.rank)));
  return LoraModule{name, parts.spelled.target, LowRank{*down, *up},
                    scale_of(reading, parts, rank)};
}

// One factor of LoKr: whole, or itself of low rank (rank is set then).
Result<Tensor> make_factor(const Reading& reading, const std::string& name, const Parts& parts,
                           LoraRole whole, LoraRole a, LoraRole b, int64_t& rank) {
  if (const Tensor* w = parts.find(whole); w && !parts.has(a) && !parts.has(b))
    return w->to(at::kFloat);
  const Tensor *left = parts.find(a), *right = parts.find(b);
  if (parts.has(whole) || left == nullptr || right == nullptr || left->size(1) != right->size(0))
    return reading.refuse("module \"" + name + "\" has LoKr factors that do not belong together");
  rank = right->size(0);
  return at::mm(left->to(at::kFloat), right->to(at::kFloat));
}

// LyCORIS: alpha is over the rank of the second factor, or of the first where only that has one;
// two whole factors are not scaled.
Result<LoraModule> make_kronecker(const Reading& reading, const std::string& name,
                                  const Parts& parts) {
  int64_t rank = 0;
  const Tensor w1 = TRY(make_factor(reading, name, parts, LoraRole::lokr_w1, LoraRole::lokr_w1_a,
                                    LoraRole::lokr_w1_b, rank));
  const Tensor w2 = TRY(make_factor(reading, name, parts, LoraRole::lokr_w2, LoraRole::lokr_w2_a,
                                    LoraRole::lokr_w2_b, rank));
  return LoraModule{name, parts.spelled.target, Kronecker{w1, w2}, scale_of(reading, parts, rank)};
}

Result<LoraModule> make_hadamard(const Reading& reading, const std::string& name,
                                 const Parts& parts) {
  const Tensor *w1_a = parts.find(LoraRole::hada_w1_a), *w1_b = parts.find(LoraRole::hada_w1_b),
               *w2_a = parts.find(LoraRole::hada_w2_a), *w2_b = parts.find(LoraRole::hada_w2_b);
  if (w1_a == nullptr || w1_b == nullptr || w2_a == nullptr || w2_b == nullptr)
    return reading.refuse("module \"" + name + "\" has not all four factors of LoHa");
  if (w1_a->size(1) != w1_b->size(0) || w2_a->size(1) != w2_b->size(0) ||
      w1_a->size(0) != w2_a->size(0) || w1_b->size(1) != w2_b->size(1))
    return reading.refuse(
        "module \"" + name + "\" has LoHa factors that do not fit: " + size_text(*w1_a) + " by " +
        size_text(*w1_b) + ", and " + size_text(*w2_a) + " by " + size_text(*w2_b));
  return LoraModule{name, parts.spelled.target, Hadamard{*w1_a, *w1_b, *w2_a, *w2_b},
                    scale_of(reading, parts, w1_b->size(0))};
}

using Make = Result<LoraModule> (*)(const Reading&, const std::string&, const Parts&);

struct Kind {
  LoraRole first, last;
  Make make;
};
constexpr Kind kKinds[] = {{LoraRole::down, LoraRole::up, make_low_rank},
                           {LoraRole::lokr_w1, LoraRole::lokr_w2_b, make_kronecker},
                           {LoraRole::hada_w1_a, LoraRole::hada_w2_b, make_hadamard}};

// A module's changes: of its weight in one way, and of its bias.
Result<void> add_modules(const Reading& reading, const std::string& name, const Parts& parts,
                         Lora& lora) {
  const auto add = [&](LoraModule module) {
    module.spelling = parts.spelled.spelling;
    lora.modules.push_back(std::move(module));
  };
  int ways = parts.has(LoraRole::diff) ? 1 : 0;
  for (const Kind& kind : kKinds) {
    const bool is_there = std::ranges::any_of(parts.tensors, [&](const auto& entry) {
      return entry.first >= kind.first && entry.first <= kind.last;
    });
    if (!is_there) continue;
    ++ways;
    add(TRY(kind.make(reading, name, parts)));
  }
  if (ways > 1)
    return reading.refuse("module \"" + name + "\" is changed in more than one way at once");
  if (const Tensor* diff = parts.find(LoraRole::diff))
    add({name, parts.spelled.target, Dense{*diff}});
  if (const Tensor* diff = parts.find(LoraRole::diff_bias)) {
    if (diff->dim() != 1 || parts.spelled.target.is_norm)
      return reading.refuse("\"" + name + ".diff_b\" is no change of a bias");
    LoraModule module{name, parts.spelled.target, Dense{*diff}};
    module.of_bias = true;
    add(std::move(module));
  }
  return {};
}

}  // namespace

std::string LoraModule::tensor() const {
  return target.module + (of_bias ? ".bias" : target.is_norm ? ".scale" : ".weight");
}

int64_t LoraModule::rank() const {
  if (const auto* low_rank = std::get_if<LowRank>(&change)) return low_rank->down.size(0);
  if (const auto* hadamard = std::get_if<Hadamard>(&change)) return hadamard->w1_b.size(0);
  return 0;
}

bool Lora::changes(LoraModel model) const {
  return std::ranges::any_of(
      modules, [&](const LoraModule& module) { return module.target.model == model; });
}

Result<Lora> load_lora(const fs::path& path) {
  Reading reading;
  reading.source = path.string();
  const Checkpoint file = TRY(load_checkpoint(path));
  auto config = load_adapter_config(path, file.metadata);
  if (!config.ok()) return std::move(config).error().with("LoRA " + reading.source);
  reading.config = std::move(config).value();
  for (const auto& [key, tensor] : file.tensors) TRY(collect(reading, key, tensor));
  TRY(check_alphas(reading));
  Lora lora{reading.source, {}};
  for (const auto& [name, parts] : reading.modules) TRY(add_modules(reading, name, parts, lora));
  if (lora.modules.empty()) return reading.refuse("it has no weights");
  return lora;
}

void send_to_device(Lora& lora, at::Device device) {
  const auto send = [&](auto&... tensors) {
    ((tensors = to_device(tensors.contiguous(), device)), ...);
  };
  for (LoraModule& module : lora.modules) {
    if (auto* low = std::get_if<LowRank>(&module.change)) send(low->down, low->up);
    if (auto* product = std::get_if<Kronecker>(&module.change)) send(product->w1, product->w2);
    if (auto* dense = std::get_if<Dense>(&module.change)) send(dense->delta);
    if (auto* both = std::get_if<Hadamard>(&module.change))
      send(both->w1_a, both->w1_b, both->w2_a, both->w2_b);
  }
}

}  // namespace pirouette::flux
