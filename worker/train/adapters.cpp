#include "worker/train/adapters.h"

#include <algorithm>
#include <cmath>

#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

constexpr std::string_view kAllLinear = "all-linear";
constexpr std::uint64_t kLowerScales = 4;  // one in so many

Target make_target(const std::string& name, const Tensor& weight) {
  Target target{name, *flux::place_module(name), weight.size(1)};
  target.all_rows = target.out = weight.size(0);
  if (target.place.parts == 1) return target;
  const std::int64_t head_rows = target.place.parts == 3 ? weight.size(0) / 3 : weight.size(1);
  target.first_row = target.place.part * head_rows;
  target.out = target.place.part < 3 ? head_rows : weight.size(0) - target.first_row;
  return target;
}

bool fits(const std::string& name, const std::string& wanted) {
  return wanted == kAllLinear || name == wanted || name.ends_with('.' + wanted);
}

}  // namespace

std::vector<std::string> default_target_modules() {
  return {"attn.to_q",
          "attn.to_k",
          "attn.to_v",
          "attn.to_out.0",
          "attn.add_q_proj",
          "attn.add_k_proj",
          "attn.add_v_proj",
          "attn.to_add_out",
          "ff.net.0.proj",
          "ff.net.2",
          "ff_context.net.0.proj",
          "ff_context.net.2",
          "proj_mlp"};
}

Result<std::vector<Target>> choose_targets(const Tensors& model,
                                           const std::vector<std::string>& target_modules) {
  std::vector<Target> linears;
  constexpr std::string_view kWeight = ".weight";
  for (const auto& [tensor, weight] : model) {
    if (!tensor.ends_with(kWeight) || weight.dim() != 2) continue;
    const std::string module = tensor.substr(0, tensor.size() - kWeight.size());
    for (const std::string& name : flux::diffusers_linears(module))
      linears.push_back(make_target(name, weight));
  }
  std::ranges::sort(linears, {}, &Target::name);
  std::vector<Target> chosen;
  for (const Target& linear : linears)
    if (std::ranges::any_of(target_modules, [&](const auto& t) { return fits(linear.name, t); }))
      chosen.push_back(linear);
  for (const std::string& wanted : target_modules)
    if (std::ranges::none_of(linears, [&](const Target& t) { return fits(t.name, wanted); }))
      return Error{Errc::invalid,
                   "--target_modules " + wanted +
                       " fits no linear of this model; give names of diffusers or their ends, "
                       "like attn.to_q, ff.net.2 or proj_mlp, or all-linear"};
  if (chosen.empty()) return Error{Errc::invalid, "--target_modules names none"};
  return chosen;
}

std::string down_name(const Target& target) { return target.name + ".lora_A.weight"; }
std::string up_name(const Target& target) { return target.name + ".lora_B.weight"; }

Tensors new_factors(const std::vector<Target>& targets, const LoraOptions& options,
                    std::uint64_t seed) {
  Tensors factors;
  std::uint64_t count = 0;
  for (const Target& target : targets) {
    // PEFT: kaiming_uniform_ with a = sqrt(5), which is uniform within 1 / sqrt(in).
    const double bound = 1 / std::sqrt(static_cast<double>(target.in));
    factors[down_name(target)] =
        at::rand({options.rank, target.in}, generator_of(seed, Draw::weights, count++),
                 at::TensorOptions(at::kFloat)) *
            (2 * bound) -
        bound;
    factors[up_name(target)] = at::zeros({target.out, options.rank}, at::kFloat);
  }
  return factors;
}

void adapt(flux::Weights& weights, const std::vector<Target>& targets,
           const std::shared_ptr<const double>& scale, const Tensors& factors,
           Parameters& parameters, at::ScalarType dtype, at::Device device) {
  for (const Target& target : targets) {
    const auto add = [&](const std::string& name) {
      return parameters.add(name, factors.at(name).to(device), dtype);
    };
    const Tensor down = add(down_name(target)), up = add(up_name(target));
    weights.adapt(target.place.module, {down, up, scale, target.first_row});
  }
}

double share_of_scale(const LoraOptions& options, std::uint64_t seed, std::uint64_t number) {
  Rng rng(seed_of(seed, Draw::scale, number));
  if (options.scale_min >= 1 || rng.below(kLowerScales) != 0) return 1;
  return options.scale_min + (1 - options.scale_min) * static_cast<double>(rng.below(1001)) / 1000;
}

}  // namespace pirouette::train
