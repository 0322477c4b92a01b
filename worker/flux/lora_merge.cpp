#include "worker/flux/lora_merge.h"

#include <array>
#include <cmath>

namespace pirouette::flux {
namespace {

struct Rows {
  int64_t first, count;
};

// The rows of a tensor with so many that are this part's. width: of the module's weight; q, k and v
// have as many rows each.
Rows rows_of(RowPart part, int64_t rows, int64_t width) {
  switch (part) {
    case RowPart::whole:
      return {0, rows};
    case RowPart::q:
      return {0, width};
    case RowPart::k:
      return {width, width};
    case RowPart::v:
      return {2 * width, width};
    case RowPart::mlp:
      return {3 * width, rows - 3 * width};
    case RowPart::qkv:
      return {0, 3 * width};
  }
  PIROUETTE_CHECK(false);
}

Tensor swap_halves(const Tensor& rows) { return at::roll(rows, rows.size(0) / 2, 0); }

// Rows and columns of a change, told without computing it; a vector has 0 columns.
std::array<int64_t, 2> size_of(const LoraModule& module) {
  if (const auto* c = std::get_if<LowRank>(&module.change)) return {c->up.size(0), c->down.size(1)};
  if (const auto* c = std::get_if<Kronecker>(&module.change))
    return {c->w1.size(0) * c->w2.size(0), c->w1.size(1) * c->w2.size(1)};
  if (const auto* c = std::get_if<Hadamard>(&module.change))
    return {c->w1_a.size(0), c->w1_b.size(1)};
  const Tensor& delta = std::get<Dense>(module.change).delta;
  return {delta.size(0), delta.dim() == 2 ? delta.size(1) : 0};
}

std::string size_text(int64_t rows, int64_t columns) {
  return std::to_string(rows) + (columns > 0 ? " x " + std::to_string(columns) : " numbers");
}

Error does_not_fit(const std::string& source, const std::string& what) {
  return {Errc::invalid, "LoRA " + source + ": " + what};
}

const Tensor* find(const Tensors& model, const std::string& name) {
  const auto found = model.find(name);
  return found == model.end() ? nullptr : &found->second;
}

Result<void> check_fit(const LoraModule& module, const std::string& source, const Tensors& model) {
  const Tensor* tensor = find(model, module.tensor());
  const Tensor* weight =
      find(model, module.target.is_norm ? module.tensor() : module.target.module + ".weight");
  if (tensor == nullptr || weight == nullptr || tensor->dim() < 1 || tensor->dim() > 2)
    return does_not_fit(source, "module \"" + module.name + "\" is not in this model");
  const int64_t width = weight->dim() == 2 ? weight->size(1) : 0;
  const Rows rows = rows_of(module.target.part, tensor->size(0), width);
  const int64_t columns = tensor->dim() == 2 ? tensor->size(1) : 0;
  const auto [have_rows, have_columns] = size_of(module);
  if (have_rows != rows.count || have_columns != columns ||
      rows.first + rows.count > tensor->size(0))
    return does_not_fit(source, "module \"" + module.name + "\" is for a weight of " +
                                    size_text(have_rows, have_columns) + "; this model's has " +
                                    size_text(rows.count, columns));
  return {};
}

// Adds factor times the change to rows, float32.
void add(Tensor rows, const LoraModule& module, double factor) {
  const auto here = [&](const Tensor& t) { return t.to(rows.device(), at::kFloat); };
  const auto turned = [&](const Tensor& t) {
    return module.target.swaps_halves ? swap_halves(t) : t;
  };
  if (const auto* c = std::get_if<LowRank>(&module.change)) {
    rows.addmm_(turned(here(c->up)), here(c->down), 1.0, factor);
  } else if (const auto* c = std::get_if<Kronecker>(&module.change)) {
    rows.add_(turned(at::kron(here(c->w1), here(c->w2))), factor);
  } else if (const auto* c = std::get_if<Hadamard>(&module.change)) {
    const Tensor product =
        at::mm(here(c->w1_a), here(c->w1_b)).mul_(at::mm(here(c->w2_a), here(c->w2_b)));
    rows.add_(turned(product), factor);
  } else {
    rows.add_(turned(here(std::get<Dense>(module.change).delta)), factor);
  }
}

}  // namespace

Result<MergePlan> plan_merge(const std::vector<ScaledLora>& loras, LoraModel part,
                             const Tensors& model) {
  MergePlan plan;
  for (const ScaledLora& scaled : loras) {
    const std::string& source = scaled.lora.source;
    if (!std::isfinite(scaled.scale)) return does_not_fit(source, "its scale is not a number");
    for (const LoraModule& module : scaled.lora.modules) {
      if (module.target.model != part) continue;
      TRY(check_fit(module, source, model));
      plan[module.tensor()].push_back({&module, &source, scaled.scale * module.scale});
    }
  }
  return plan;
}

namespace {

// Each change as a bfloat16 product on the device: the product's sums are float32, and where no row
// changes twice each is rounded once, as below.
bool is_one_product_each(const Tensor& pristine, const std::vector<ScaledChange>& changes,
                         int64_t width) {
  if (!pristine.is_cuda() || pristine.scalar_type() != at::kBFloat16) return false;
  std::vector<Rows> seen;
  for (const ScaledChange& change : changes) {
    const auto* c = std::get_if<LowRank>(&change.module->change);
    if (c == nullptr || c->up.scalar_type() != at::kBFloat16 ||
        c->down.scalar_type() != at::kBFloat16)
      return false;
    const Rows rows = rows_of(change.module->target.part, pristine.size(0), width);
    for (const Rows& other : seen)
      if (rows.first < other.first + other.count && other.first < rows.first + rows.count)
        return false;
    seen.push_back(rows);
  }
  return true;
}

}  // namespace

Tensor merge(const Tensor& pristine, const std::vector<ScaledChange>& changes, int64_t width) {
  if (is_one_product_each(pristine, changes, width)) {
    const Tensor merged = pristine.clone();
    for (const ScaledChange& change : changes) {
      const auto& c = std::get<LowRank>(change.module->change);
      const Rows rows = rows_of(change.module->target.part, merged.size(0), width);
      const Tensor up = c.up.to(merged.device());
      merged.slice(0, rows.first, rows.first + rows.count)
          .addmm_(change.module->target.swaps_halves ? swap_halves(up) : up,
                  c.down.to(merged.device()), 1.0, change.factor);
    }
    return merged;
  }
  const Tensor merged = pristine.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  for (const ScaledChange& change : changes) {
    const Rows rows = rows_of(change.module->target.part, merged.size(0), width);
    add(merged.slice(0, rows.first, rows.first + rows.count), *change.module, change.factor);
  }
  return merged.to(pristine.scalar_type());
}

int64_t width_of(const std::vector<ScaledChange>& changes, const Tensors& model) {
  const Tensor* weight = find(model, changes.front().module->target.module + ".weight");
  return weight != nullptr && weight->dim() == 2 ? weight->size(1) : 0;
}

Result<Tensors> merge_loras(const Tensors& pristine, const std::vector<ScaledLora>& loras,
                            LoraModel part) {
  const MergePlan plan = TRY(plan_merge(loras, part, pristine));
  Tensors merged = pristine;
  for (const auto& [name, changes] : plan)
    merged[name] = merge(pristine.at(name), changes, width_of(changes, pristine));
  return merged;
}

}  // namespace pirouette::flux
