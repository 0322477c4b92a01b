// Every spelling of one LoRA against what the reference computed with it. Formats that there is no
// file of are made from the files there are, so that the expected output is the same.

#include "worker/flux/lora.h"

#include <unistd.h>

#include <functional>

#include "tests/golden/golden.h"
#include "worker/flux/lora_merge.h"

namespace pirouette::flux::golden {
namespace {

namespace fs = std::filesystem;

fs::path lora_file(const std::string& name) { return folder() / "comfyui/loras" / name; }

struct Named {
  fs::path file;
  double scale;
};

Tensor output_with(const std::vector<Named>& files) {
  const at::NoGradGuard no_grad;
  std::vector<ScaledLora> loras;
  for (const auto& [file, scale] : files) loras.push_back({get(load_lora(file)), scale});
  static const Weights pristine = tiny_transformer_weights();
  const Transformer model = get(
      Transformer::load(Weights(get(merge_loras(pristine.tensors(), loras)), "merged"), kTinyAxes));
  return model(transformer_input());
}

// The file's tensors, each passed through change, which puts what it wants into the new file.
using Change = std::function<void(const std::string& key, const Tensor& tensor, Tensors& made)>;
Tensor output_with_converted(const std::string& name, const Change& change) {
  Tensors made;
  for (const auto& [key, tensor] : get(load_checkpoint(lora_file(name))).tensors)
    change(key, tensor, made);
  const fs::path file = fs::temp_directory_path() /
                        ("pirouette-converted-" + std::to_string(::getpid()) + ".safetensors");
  get(save_safetensors(file, made));
  const Tensor output = output_with({{file, 1.0}});
  fs::remove(file);
  return output;
}

void expect_golden(const Tensor& output, const std::string& name) {
  EXPECT_LE(distance(output, expected("transformer.output." + name)), kPartTolerance) << name;
}

std::string replaced(const std::string& text, std::string_view what, std::string_view with) {
  std::string made;
  std::size_t from = 0;
  for (std::size_t at; (at = text.find(what, from)) != text.npos; from = at + what.size())
    made.append(text, from, at - from).append(with);
  return made.append(text, from);
}

// "a.b.lora_A.weight" -> "a.b", "lora_A.weight".
std::pair<std::string, std::string> split_key(const std::string& key) {
  auto at = key.find(".lora_");
  if (at == key.npos) at = key.rfind('.');
  return {key.substr(0, at), key.substr(at + 1)};
}

class LoraFile : public testing::TestWithParam<const char*> {};

TEST_P(LoraFile, GivesWhatTheReferenceGivesAtAnyScale) {
  for (const auto& [scale, name] : {std::pair(1.0, "1.0"), {0.7, "0.7"}, {-0.5, "-0.5"}})
    expect_golden(output_with({{lora_file(GetParam()), scale}}), std::string("lora.") + name);
}

INSTANTIATE_TEST_SUITE_P(Lora, LoraFile,
                         testing::Values("peft.safetensors", "kohya.safetensors",
                                         "kohya_dotted.safetensors", "comfyui.safetensors",
                                         "fal.safetensors", "peft_adapter"),
                         [](const auto& run) {
                           return replaced(std::string(run.param), ".safetensors", "");
                         });

TEST(Lora, OfXlabsGivesWhatTheReferenceGives) {
  expect_golden(output_with({{lora_file("xlabs_attention_only.safetensors"), 1.0}}),
                "lora_xlabs.1.0");
}

TEST(Lora, TwoAtOnceGiveWhatTheReferenceGives) {
  expect_golden(output_with({{lora_file("peft.safetensors"), 0.8},
                             {lora_file("second_peft.safetensors"), 0.6}}),
                "lora_two.0.8_0.6");
  // Whatever each of them is written in.
  expect_golden(output_with({{lora_file("second_peft.safetensors"), 0.6},
                             {lora_file("kohya.safetensors"), 0.8}}),
                "lora_two.0.8_0.6");
}

TEST(Lora, OfOneTrainerGivesWhatTheReferenceGives) {
  const auto change = [](const std::string& key, const Tensor& tensor, Tensors& made) {
    const auto [module, end] = split_key(key);
    const std::string bare = module.substr(std::string("transformer.").size());
    const std::string kind = replaced(replaced(end, "lora_A", "lora_down"), "lora_B", "lora_up");
    made["lora_transformer_" + replaced(bare, ".", "_") + '.' + kind] = tensor;
  };
  expect_golden(output_with_converted("peft.safetensors", change), "lora.1.0");
}

// kohya's split_qkv as it is before the parts are fused: three or four LoRAs of a projection.
TEST(Lora, OfKohyaSplitGivesWhatTheReferenceGives) {
  const auto change = [](const std::string& key, const Tensor& tensor, Tensors& made) {
    const auto [module, end] = split_key(key);
    const bool is_single = module.ends_with("linear1");
    if (!is_single && !module.ends_with("qkv")) {
      made[key] = tensor;
      return;
    }
    const int parts = is_single ? 4 : 3;
    constexpr int64_t kWidth = 96;
    const int64_t rank = 4;
    if (end == "alpha") made[key] = tensor / parts;
    for (int i = 0; i < parts && end != "alpha"; ++i) {
      std::string number = ".";
      number.append(std::to_string(i)).append(".weight");
      const int64_t rows = i == 3 ? tensor.size(0) - 3 * kWidth : kWidth;
      const Tensor part =
          end == "lora_down.weight"
              ? tensor.slice(0, i * rank, (i + 1) * rank)
              : tensor.slice(0, i * kWidth, i * kWidth + rows).slice(1, i * rank, (i + 1) * rank);
      made[module + '.' + replaced(end, ".weight", number)] = part.contiguous();
    }
  };
  expect_golden(output_with_converted("kohya.safetensors", change), "lora.1.0");
}

// (up down) * (1 1): the second product is one everywhere.
TEST(Lora, LoHaGivesWhatTheReferenceGives) {
  const auto change = [](const std::string& key, const Tensor& tensor, Tensors& made) {
    const auto [module, end] = split_key(key);
    if (end == "lora_down.weight") {
      made[module + ".hada_w1_b"] = tensor;
      made[module + ".hada_w2_b"] = at::ones({1, tensor.size(1)});
    } else if (end == "lora_up.weight") {
      made[module + ".hada_w1_a"] = tensor;
      made[module + ".hada_w2_a"] = at::ones({tensor.size(0), 1});
    } else {
      made[key] = tensor;
    }
  };
  expect_golden(output_with_converted("kohya.safetensors", change), "lora.1.0");
}

// [[1]] times the low-rank product: alpha is over the second factor's rank.
TEST(Lora, LoKrGivesWhatTheReferenceGives) {
  const auto change = [](const std::string& key, const Tensor& tensor, Tensors& made) {
    const auto [module, end] = split_key(key);
    made[module + ".lokr_w1"] = at::ones({1, 1});
    if (end == "lora_down.weight") made[module + ".lokr_w2_b"] = tensor;
    if (end == "lora_up.weight") made[module + ".lokr_w2_a"] = tensor;
    if (end == "alpha") made[key] = tensor;
  };
  expect_golden(output_with_converted("kohya.safetensors", change), "lora.1.0");
}

// SimpleTuner's, with both factors whole: the change is the first times [[1]], and not scaled.
TEST(Lora, LoKrWithWholeFactorsGivesWhatTheReferenceGives) {
  Tensors all = get(load_checkpoint(lora_file("peft.safetensors"))).tensors;
  const auto change = [&all](const std::string& key, const Tensor& tensor, Tensors& made) {
    const auto [module, end] = split_key(key);
    const std::string bare = module.substr(std::string("transformer.").size());
    const std::string name = "lycoris_" + replaced(bare, ".", "_");
    if (end == "alpha") {
      made[name + ".alpha"] = at::full({}, 1e9);  // says nothing where no factor has a rank
    } else if (end == "lora_A.weight") {
      const Tensor& up = all.at(module + ".lora_B.weight");
      const auto alpha = all.find(module + ".alpha");
      const double scale = alpha == all.end()
                               ? 1.0
                               : alpha->second.item<double>() / static_cast<double>(tensor.size(0));
      made[name + ".lokr_w1"] = at::mm(up, tensor) * scale;
      made[name + ".lokr_w2"] = at::ones({1, 1});
    }
  };
  expect_golden(output_with_converted("peft.safetensors", change), "lora.1.0");
}

TEST(Lora, DenseDifferencesGiveWhatTheReferenceGives) {
  Tensors all = get(load_checkpoint(lora_file("kohya.safetensors"))).tensors;
  const auto change = [&all](const std::string& key, const Tensor& tensor, Tensors& made) {
    const auto [module, end] = split_key(key);
    if (end != "lora_down.weight") return;
    const double alpha = all.at(module + ".alpha").item<double>();
    made[module + ".diff"] = at::mm(all.at(module + ".lora_up.weight"), tensor) * alpha /
                             static_cast<double>(tensor.size(0));
  };
  expect_golden(output_with_converted("kohya.safetensors", change), "lora.1.0");
}

// bf16 rounds each factor to 8 bits: 2^-9 at most of its size.
TEST(Lora, InBf16IsNearTheSame) {
  const double error = distance(output_with({{lora_file("peft_bf16.safetensors"), 1.0}}),
                                expected("transformer.output.lora.1.0"));
  EXPECT_LE(error, 5e-3);
}

// The reference's refusal: factors that make 16 x 16 where the weight has 96 x 96.
TEST(Lora, LoKrThatFitsNoWeightIsRefusedWithItsSizes) {
  const Lora lora = get(load_lora(lora_file("lokr_unsupported.safetensors")));
  const auto merged = merge_loras(tiny_transformer_weights().tensors(), {{lora, 1.0}});
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.error().code, Errc::invalid);
  EXPECT_NE(merged.error().what.find("module \"lora_unet_double_blocks_0_img_attn_proj\" is for a "
                                     "weight of 16 x 16; this model's has 96 x 96"),
            std::string::npos)
      << merged.error().what;
}

// Diffusers' final layer has scale before shift. Added to diffusers' own weight, before that is
// turned, the change must come out the same.
TEST(Lora, TheFinalLayersHalvesAreSwappedWithTheModels) {
  const at::NoGradGuard no_grad;
  const Tensor up = at::randn({192, 2}), down = at::randn({2, 96});
  const fs::path file = fs::temp_directory_path() /
                        ("pirouette-final-" + std::to_string(::getpid()) + ".safetensors");
  get(save_safetensors(file, {{"transformer.norm_out.linear.lora_A.weight", down},
                              {"transformer.norm_out.linear.lora_B.weight", up}}));
  const Lora lora = get(load_lora(file));
  fs::remove(file);
  Tensors changed = get(load_weights(folder() / "transformer")).to(at::kFloat, at::kCPU).tensors();
  Tensor& weight = changed.at("norm_out.linear.weight");
  weight = weight + at::mm(up, down) * 0.5;
  const Weights wanted = get(canonical_transformer(Weights(changed, "changed")));
  const Tensors merged = get(merge_loras(tiny_transformer_weights().tensors(), {{lora, 0.5}}));
  const std::string name = "final_layer.adaLN_modulation.1.weight";
  EXPECT_LE(distance(merged.at(name), wanted.tensors().at(name)), 1e-6);
}

TEST(Lora, MergingLeavesThePristineWeightsAlone) {
  const Weights pristine = tiny_transformer_weights();
  const Tensor before = pristine.tensors().at("double_blocks.0.img_attn.qkv.weight").clone();
  const Lora lora = get(load_lora(lora_file("peft.safetensors")));
  const Tensors merged = get(merge_loras(pristine.tensors(), {{lora, 1.0}}));
  EXPECT_TRUE(at::equal(pristine.tensors().at("double_blocks.0.img_attn.qkv.weight"), before));
  EXPECT_FALSE(at::equal(merged.at("double_blocks.0.img_attn.qkv.weight"), before));
  EXPECT_TRUE(merged.at("img_in.weight").is_same(pristine.tensors().at("img_in.weight")));
}

}  // namespace
}  // namespace pirouette::flux::golden
