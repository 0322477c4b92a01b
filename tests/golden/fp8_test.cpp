// Float8 weights as plain operations on the CPU: near the wide model, and the same bytes in every
// way that pristine weights are kept, however often LoRAs come and go.

#include "worker/flux/fp8.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/golden/golden.h"
#include "worker/flux/kontext.h"
#include "worker/flux/storage/small_floats.h"

namespace pirouette::flux::golden {
namespace {

Kontext load_fp8(PristineAt at, bool modulations_on_host = false) {
  Placement placement;
  placement.pristine = at;
  placement.fp8 = true;
  placement.modulations_on_host = modulations_on_host;
  return get(Kontext::load({folder(), std::nullopt}, at::kFloat, at::kCPU, placement));
}

std::vector<ScaledLora> lora() {
  return {{get(load_lora(folder() / "comfyui/loras/peft.safetensors")), 1.0}};
}

bool same(const Tensors& a, const Tensors& b) {
  return a.size() == b.size() && std::ranges::all_of(a, [&](const auto& entry) {
           return b.contains(entry.first) && at::equal(entry.second, b.at(entry.first));
         });
}

Tensors copy(const Tensors& tensors) {
  Tensors copies;
  for (const auto& [name, tensor] : tensors) copies.emplace(name, tensor.clone());
  return copies;
}

TEST(Float8, TheNearestByteIsTaken) {
  const auto values = float8_values(Dtype::f8_e4m3);
  for (std::uint32_t byte = 0; byte < values.size(); ++byte) {
    if ((byte & 0x7Fu) == 0x7Fu) continue;  // not a number
    EXPECT_EQ(float_to_e4m3(values[byte]), byte);
    if ((byte & 0x7Fu) == 0x7Eu) continue;
    const float next = values[byte + 1], middle = (values[byte] + next) / 2;
    const std::uint32_t even = byte % 2 == 0 ? byte : byte + 1;
    EXPECT_EQ(float_to_e4m3(middle), even) << byte;
    EXPECT_EQ(float_to_e4m3(std::nextafter(middle, values[byte])), byte);
    EXPECT_EQ(float_to_e4m3(std::nextafter(middle, next)), byte + 1);
  }
  EXPECT_EQ(float_to_e4m3(1e6f), 0x7E);
  EXPECT_EQ(float_to_e4m3(-1e6f), 0xFE);
  EXPECT_EQ(float_to_e4m3(std::numeric_limits<float>::quiet_NaN()), 0x7F);
}

TEST(Float8, EachRowHasItsOwnScale) {
  const Tensor rows = at::randn({5, 48}) * at::tensor({1e-6, 0.0, 1.0, 30.0, 1e5}).unsqueeze(1);
  const Fp8Rows quantised = quantise_rows(rows);
  const Tensor back = widen_rows(quantised, at::kFloat);
  for (const int64_t row : {0, 2, 3, 4}) EXPECT_LE(distance(back[row], rows[row]), 4e-2) << row;
  EXPECT_TRUE(at::equal(back[1], at::zeros({48})));
  // The largest of a row is kept to the last bit or two.
  EXPECT_TRUE(at::allclose(back.abs().amax(1), rows.abs().amax(1).to(at::kFloat), 1e-6));
}

TEST(Float8, TheModelStaysNearTheWideOne) {
  const at::NoGradGuard no_grad;
  Kontext kontext = load_fp8(PristineAt::device);
  const Tensor output = (*kontext.variants().find_selected())(transformer_input());
  const double far = distance(output, expected("transformer.output"));
  EXPECT_GT(far, 1e-3);  // it is float8
  EXPECT_LE(far, 0.1);
}

TEST(Float8, LorasComeAndGoAndTheBytesAreTheSameInEveryWay) {
  Tensors pristine, merged;
  for (const auto& [at, on_host] : {std::pair(PristineAt::device, false),
                                    {PristineAt::host, false},
                                    {PristineAt::file, false},
                                    {PristineAt::host, true},
                                    {PristineAt::file, true}}) {
    Kontext kontext = load_fp8(at, on_host);
    Variants& variants = kontext.variants();
    const Tensors plain = copy(variants.tensors());
    EXPECT_EQ(plain.at("single_blocks.0.linear1.weight").scalar_type(), at::kByte);
    EXPECT_EQ(plain.at("single_blocks.0.modulation.lin.weight").scalar_type(), at::kFloat);
    for (int round = 0; round < 3; ++round) {
      get(variants.select("one", lora()));
      const Tensors one = copy(variants.tensors());
      EXPECT_FALSE(same(one, plain));
      if (merged.empty()) merged = one;
      EXPECT_TRUE(same(one, merged));
      get(variants.select("", {}));
      EXPECT_TRUE(same(variants.tensors(), plain));
    }
    if (pristine.empty()) pristine = plain;
    EXPECT_TRUE(same(plain, pristine));
  }
}

// What the device holds is what measure() said it would.
TEST(Float8, TakesWhatWasMeasured) {
  const KontextFiles files{folder(), std::nullopt};
  const KontextBytes bytes = get(measure(files, at::kFloat, true));
  Kontext kontext = load_fp8(PristineAt::file);
  std::uint64_t held = 0;
  for (const auto& [name, tensor] : kontext.variants().tensors()) held += tensor.nbytes();
  EXPECT_EQ(bytes.transformer, held);
  EXPECT_EQ(bytes.pristine, get(measure(files, at::kFloat)).transformer);
  std::uint64_t modulations = 0;
  for (const auto& [name, tensor] : kontext.variants().tensors())
    if (is_modulation(name)) modulations += tensor.nbytes();
  EXPECT_GT(modulations, 0u);
  EXPECT_EQ(bytes.modulations, modulations);
}

// A scaled float8 file's bytes are what the model renders with, as a LoRA comes and goes.
TEST(Float8, AFloat8FilesOwnBytesAreKept) {
  const std::string file =
      (folder() / "comfyui/diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors").string();
  const StoredTensors stored = get(open_tensor_file(file)).tensors;
  Placement placement;
  placement.fp8 = true;
  for (const PristineAt at : {PristineAt::device, PristineAt::host, PristineAt::file}) {
    placement.pristine = at;
    Kontext kontext = get(Kontext::load({file, folder()}, at::kFloat, at::kCPU, placement));
    const auto expect_own_bytes = [&] {
      int kept = 0;
      for (const auto& [name, tensor] : kontext.variants().tensors()) {
        if (tensor.scalar_type() != at::kByte) continue;
        const auto found = std::ranges::find_if(
            stored, [&, name = name](const auto& entry) { return entry.first.ends_with(name); });
        ASSERT_NE(found, stored.end()) << name;
        const auto bytes = found->second.bytes();
        ASSERT_EQ(bytes.size(), tensor.nbytes()) << name;
        EXPECT_EQ(std::memcmp(bytes.data(), tensor.contiguous().data_ptr(), bytes.size()), 0)
            << name;
        const std::string module = found->first.substr(0, found->first.rfind('.'));
        float scale = 0;
        std::memcpy(&scale, stored.at(module + ".scale_weight").bytes().data(), sizeof scale);
        const Tensor scales = kontext.variants().tensors().at(scale_name(name));
        EXPECT_TRUE((scales == scale).all().item<bool>()) << name;
        ++kept;
      }
      EXPECT_GT(kept, 0);
    };
    expect_own_bytes();
    get(kontext.variants().select("one", lora()));
    get(kontext.variants().select("", {}));
    expect_own_bytes();
  }
}

}  // namespace
}  // namespace pirouette::flux::golden
