// The transformer's weights under changing LoRAs, in each way of keeping them.

#include "worker/flux/variants.h"

#include "common/hash.h"
#include "tests/golden/golden.h"
#include "worker/flux/kontext.h"
#include "worker/flux/lora_merge.h"

namespace pirouette::flux::golden {
namespace {

std::vector<ScaledLora> loras(const std::string& file, double scale) {
  return {{get(load_lora(folder() / "comfyui/loras" / file)), scale}};
}

Kontext load_tiny(PristineAt at, at::ScalarType dtype = at::kFloat) {
  return get(Kontext::load({folder(), std::nullopt}, dtype, at::kCPU, {at, true}));
}

Digest bytes_of(const Variants& variants) {
  Sha256 hash;
  for (const auto& [name, tensor] : variants.tensors()) {
    const Tensor dense = tensor.contiguous();
    hash.update({static_cast<const std::uint8_t*>(dense.data_ptr()), dense.nbytes()});
  }
  return hash.finish();
}

Tensor output_of(const Variants& variants) {
  const at::NoGradGuard no_grad;
  return (*variants.find_selected())(transformer_input());
}

class Ways : public testing::TestWithParam<PristineAt> {};

TEST_P(Ways, EachVariantGivesWhatTheReferenceGives) {
  Kontext kontext = load_tiny(GetParam());
  Variants& variants = kontext.variants();
  EXPECT_LE(distance(output_of(variants), expected("transformer.output")), kPartTolerance);
  for (const auto& [scale, name] : {std::pair(1.0, "1.0"), {-0.5, "-0.5"}, {0.7, "0.7"}}) {
    get(variants.select(name, loras("peft.safetensors", scale)));
    EXPECT_LE(
        distance(output_of(variants), expected(std::string("transformer.output.lora.") + name)),
        kPartTolerance)
        << name;
  }
  get(variants.select("", {}));
  EXPECT_LE(distance(output_of(variants), expected("transformer.output")), kPartTolerance);
}

// In bf16, where a merge rounds: taking a LoRA off again by arithmetic would drift.
TEST_P(Ways, AHundredSwitchesLaterTheBytesAreTheSame) {
  Kontext kontext = load_tiny(GetParam(), at::kBFloat16);
  Variants& variants = kontext.variants();
  const Digest plain = bytes_of(variants);
  const auto one = loras("peft.safetensors", 1.0), two = loras("second_peft.safetensors", -0.6);
  get(variants.select("one", one));
  const Digest first = bytes_of(variants);
  EXPECT_NE(first, plain);
  for (int i = 0; i < 50; ++i) {
    get(variants.select("two", two));
    get(variants.select("one", one));
    if (i % 10 == 0) variants.drop("two");  // merged anew now and then
  }
  EXPECT_EQ(bytes_of(variants), first);
  get(variants.select("", {}));
  EXPECT_EQ(bytes_of(variants), plain);
}

TEST_P(Ways, ALoraThatDoesNotFitLeavesTheVariantThatIsThere) {
  Kontext kontext = load_tiny(GetParam());
  Variants& variants = kontext.variants();
  get(variants.select("one", loras("peft.safetensors", 1.0)));
  const Digest before = bytes_of(variants);
  EXPECT_FALSE(variants.select("broken", loras("lokr_unsupported.safetensors", 1.0)).ok());
  ASSERT_NE(variants.find_selected(), nullptr);
  EXPECT_TRUE(variants.contains("one"));
  EXPECT_EQ(bytes_of(variants), before);
}

INSTANTIATE_TEST_SUITE_P(Variants, Ways,
                         testing::Values(PristineAt::device, PristineAt::host, PristineAt::file),
                         [](const auto& run) {
                           return std::string(run.param == PristineAt::device ? "PristineOnDevice"
                                              : run.param == PristineAt::host ? "PristineOnHost"
                                                                              : "MergedOnly");
                         });

TEST(Variants, BesidePristineOnlyWhatALoraChangesTakesMemory) {
  Kontext kontext = load_tiny(PristineAt::device);
  Variants& variants = kontext.variants();
  const auto xlabs = loras("xlabs_attention_only.safetensors", 1.0);
  std::uint64_t wanted = 0;
  for (const LoraModule& module : xlabs[0].lora.modules)
    wanted += variants.tensors().at(module.tensor()).nbytes();
  EXPECT_EQ(get(variants.bytes_to_merge(xlabs)), wanted);
  const Tensors plain = variants.tensors();
  get(variants.select("xlabs", xlabs));
  EXPECT_TRUE(variants.tensors().at("img_in.weight").is_same(plain.at("img_in.weight")));
  Kontext in_place = load_tiny(PristineAt::file);
  EXPECT_EQ(get(in_place.variants().bytes_to_merge(xlabs)), 0u);
}

// A write cut short by an exception must not render: nothing is selected until a merge was whole.
TEST(Variants, AMergeCutShortIsDoneAnewTheNextTime) {
  Weights weights = get(canonical_transformer(get(load_weights(folder() / "transformer"))));
  const Tensors stored = weights.tensors();
  int reads_left = 1;
  const auto read = [&](const std::set<std::string>& names) -> Result<Tensors> {
    if (reads_left-- == 0) throw std::bad_alloc();
    Tensors some;
    for (const std::string& name : names) some.emplace(name, stored.at(name));
    return some;
  };
  Variants variants = get(
      Variants::load(std::move(weights), kTinyAxes, at::kFloat, at::kCPU, PristineAt::file, read));
  const auto lora = loras("peft.safetensors", 1.0);
  EXPECT_THROW((void)variants.select("one", lora), std::bad_alloc);
  EXPECT_EQ(variants.find_selected(), nullptr);
  EXPECT_FALSE(variants.contains(""));
  reads_left = 1000;
  get(variants.select("", {}));
  EXPECT_LE(distance(output_of(variants), expected("transformer.output")), kPartTolerance);
  get(variants.select("one", lora));
  EXPECT_LE(distance(output_of(variants), expected("transformer.output.lora.1.0")), kPartTolerance);
}

// The text encoder's part of a LoRA: the same as CLIP's own weights changed by hand.
TEST(Variants, ALorasClipPartChangesThePooledText) {
  const at::NoGradGuard no_grad;
  const std::string module = "text_model.encoder.layers.0.self_attn.q_proj";
  const Weights clip = get(load_weights(folder() / "text_encoder")).to(at::kFloat, at::kCPU);
  const int64_t width = clip.tensors().at(module + ".weight").size(0);
  const Tensor down = at::randn({2, width}), up = at::randn({width, 2});
  const auto file = std::filesystem::temp_directory_path() /
                    ("pirouette-clip-" + std::to_string(::getpid()) + ".safetensors");
  get(save_safetensors(
      file, {{"lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", down},
             {"lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight", up}}));
  Tensors changed = clip.tensors();
  changed.at(module + ".weight") = changed.at(module + ".weight") + at::mm(up, down) * 0.5;
  const ClipEncoder by_hand = get(ClipEncoder::load(Weights(changed, "by hand"), 4));
  const ClipTokenizer tokenizer = get(ClipTokenizer::load(folder() / "tokenizer"));
  const Tensor wanted =
      get(by_hand.encode(tokenizer.encode("front view"), tokenizer.end_id())).pooled;

  Kontext kontext = load_tiny(PristineAt::device);
  const Tensor plain = get(kontext.embed_text("front view", 64)).pooled;
  get(kontext.set_loras({{file, 0.5}}));
  const TextEmbedding with = get(kontext.embed_text("front view", 64));
  std::filesystem::remove(file);
  EXPECT_GT(distance(with.pooled, plain), 1e-3);
  EXPECT_LE(distance(with.pooled, wanted), 1e-3);  // CLIP is stored and merged in float16
  get(kontext.set_loras({}));
  EXPECT_TRUE(at::equal(get(kontext.embed_text("front view", 64)).pooled, plain));
}

}  // namespace
}  // namespace pirouette::flux::golden
