// Every layout and every way to store numbers against what the reference computes.

#include "tests/golden/pictures.h"
#include "tests/golden/rewritten.h"
#include "worker/flux/clip_encoder.h"
#include "worker/flux/kontext.h"
#include "worker/flux/part_weights.h"
#include "worker/flux/t5_encoder.h"
#include "worker/flux/tokenizers/t5_tokenizer.h"

namespace pirouette::flux::golden {
namespace {

namespace fs = std::filesystem;

fs::path comfyui() { return folder() / "comfyui"; }
fs::path bfl_file() { return comfyui() / "diffusion_models/flux1-dev-kontext.safetensors"; }
fs::path fp8_plain() {
  return comfyui() / "diffusion_models/flux1-dev-kontext_fp8_e4m3fn.safetensors";
}
fs::path fp8_scaled() {
  return comfyui() / "diffusion_models/flux1-dev-kontext_fp8_scaled.safetensors";
}

Part part_of(const fs::path& path, PartKind kind) {
  for (Part& part : get(recognise(get(open_tensor_file(path)))))
    if (part.kind == kind) return std::move(part);
  throw std::runtime_error(path.string() + " lacks a part");
}

Tensors weights_of(const fs::path& path, PartKind kind, at::ScalarType dtype = at::kFloat) {
  return get(load_part(part_of(path, kind), dtype, at::kCPU)).tensors();
}

// How far the worst weight is from the other file's.
double worst_weight(const fs::path& path, const fs::path& wanted, PartKind kind) {
  const Tensors theirs = weights_of(wanted, kind);
  double worst = 0;
  for (const auto& [name, tensor] : weights_of(path, kind))
    worst = std::max(worst, distance(tensor, theirs.at(name)));
  return worst;
}

Tensor predict(const fs::path& path) {
  const at::NoGradGuard no_grad;
  const Transformer model = get(Transformer::load(
      Weights(weights_of(path, PartKind::transformer), path.string()), kTinyAxes));
  return model(transformer_input());
}

double off_by(const fs::path& path, const char* expectation = "transformer.output") {
  return distance(predict(path), expected(expectation));
}

TEST(Layouts, BlackForestLabsSingleFile) { EXPECT_LE(off_by(bfl_file()), kPartTolerance); }

TEST(Layouts, BlackForestLabsSingleFileUnderAPrefix) {
  const Folder out("prefix");
  Rewritten()
      .copy(bfl_file(), [](const std::string& name) { return "model.diffusion_model." + name; })
      .save(out / "a.safetensors");
  EXPECT_LE(off_by(out / "a.safetensors"), kPartTolerance);
}

TEST(Layouts, QkNormsSpelledWeight) {
  const Folder out("norms");
  Rewritten()
      .copy(bfl_file(),
            [](const std::string& name) { return with_end(name, "_norm.scale", "_norm.weight"); })
      .save(out / "a.safetensors");
  EXPECT_LE(off_by(out / "a.safetensors"), kPartTolerance);
}

TEST(Layouts, FullAndHalfPrecision) {
  const Folder out("precision");
  for (const at::ScalarType dtype : {at::kFloat, at::kHalf}) {
    Tensors tensors = get(load_checkpoint(bfl_file())).tensors;
    for (auto& [name, tensor] : tensors) tensor = tensor.to(dtype);
    get(save_safetensors(out / "a.safetensors", tensors));
    EXPECT_LE(off_by(out / "a.safetensors"), kPartTolerance) << at::toString(dtype);
  }
}

TEST(Layouts, PlainFloat8) {
  EXPECT_LE(off_by(fp8_plain(), "transformer.output.fp8_plain"), kPartTolerance);
}

TEST(Layouts, ScaledFloat8InTheOldSpelling) {
  EXPECT_LE(off_by(fp8_scaled(), "transformer.output.fp8_scaled"), kPartTolerance);
}

// ComfyUI's conversion of old files, done by hand: what one spelling gives, the other must too.
TEST(Layouts, ScaledFloat8InTheNewSpelling) {
  const Folder out("new-spelling");
  const std::string description = R"({"format": "float8_e4m3fn"})";
  const std::vector<std::uint8_t> bytes(description.begin(), description.end());
  Rewritten rewritten;
  std::string layers;
  rewritten.copy(fp8_scaled(), [&](const std::string& name) {
    if (name == "scaled_fp8") return std::string();
    const std::string layer = with_end(name, ".scale_weight", "");
    if (layer != name) layers += (layers.empty() ? "\"" : ", \"") + layer + "\": " + description;
    if (layer != name)
      rewritten.add(layer + ".comfy_quant", Dtype::u8, {static_cast<std::int64_t>(bytes.size())},
                    bytes);
    return with_end(name, ".scale_weight", ".weight_scale");
  });
  rewritten.save(out / "described.safetensors");
  EXPECT_LE(off_by(out / "described.safetensors", "transformer.output.fp8_scaled"), kPartTolerance);

  Rewritten()
      .copy(fp8_scaled(),
            [](const std::string& name) {
              return name == "scaled_fp8" ? "" : with_end(name, ".scale_weight", ".weight_scale");
            })
      .save(
          out / "metadata.safetensors",
          {{"_quantization_metadata", R"({"format_version": "1.0", "layers": {)" + layers + "}}"}});
  EXPECT_LE(off_by(out / "metadata.safetensors", "transformer.output.fp8_scaled"), kPartTolerance);
}

// Scaling shows: without the scales the output is another one.
TEST(Layouts, ScalesMatter) {
  const Folder out("no-scales");
  Rewritten()
      .copy(fp8_scaled(),
            [](const std::string& name) { return name.ends_with(".scale_weight") ? "" : name; })
      .save(out / "a.safetensors");
  EXPECT_GT(off_by(out / "a.safetensors", "transformer.output.fp8_scaled"), 0.1);
}

TEST(Layouts, Float8E5m2) {
  const Folder out("e5m2");
  // e5m2 is the upper half of float16: a byte cut off by hand, and the same numbers as float16.
  Rewritten cut;
  Tensors halves = get(load_checkpoint(bfl_file())).tensors;
  for (auto& [name, tensor] : halves) {
    tensor = tensor.to(at::kHalf).contiguous();
    if (tensor.dim() < 2) continue;
    tensor = tensor.clone();
    std::vector<std::uint8_t> bytes;
    auto* numbers = static_cast<std::uint16_t*>(tensor.data_ptr());
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      bytes.push_back(static_cast<std::uint8_t>(numbers[i] >> 8));
      numbers[i] = static_cast<std::uint16_t>(numbers[i] & 0xFF00);
    }
    cut.add(name, Dtype::f8_e5m2, tensor.sizes().vec(), bytes);
  }
  cut.copy(bfl_file(),
           [&](const std::string& name) { return halves.at(name).dim() < 2 ? name : ""; });
  cut.save(out / "e5m2.safetensors");
  get(save_safetensors(out / "halves.safetensors", halves));
  EXPECT_LE(distance(predict(out / "e5m2.safetensors"), predict(out / "halves.safetensors")),
            kPartTolerance);
}

// What a file of blocks gives is as near to the reference as its bits allow; F16 holds the tiny
// model's numbers exactly.
TEST(Layouts, Gguf) {
  const Folder out("gguf");
  const std::pair<Dtype, double> kinds[] = {
      {Dtype::f16, kPartTolerance}, {Dtype::q8_0, 0.02}, {Dtype::q6_k, 0.06}, {Dtype::q5_k, 0.12},
      {Dtype::q5_0, 0.12},          {Dtype::q4_k, 0.25}, {Dtype::q4_0, 0.25}};
  const Tensors tensors = get(load_checkpoint(bfl_file())).tensors;
  for (const auto& [dtype, tolerance] : kinds) {
    save_gguf(out / "a.gguf", tensors, dtype, [](const std::string& name) { return name; });
    EXPECT_LE(off_by(out / "a.gguf"), tolerance) << dtype_name(dtype);
  }
}

// In bfloat16 every kind of file gives the float32 weights, rounded once.
TEST(Layouts, WeightsAreRoundedOnceToBfloat16) {
  const Folder out("bfloat16");
  save_gguf(out / "a.gguf", get(load_checkpoint(bfl_file())).tensors, Dtype::q8_0,
            [](const std::string& name) { return "model.diffusion_model." + name; });
  for (const fs::path& path : {bfl_file(), fp8_plain(), fp8_scaled(), out / "a.gguf"}) {
    const Tensors wide = weights_of(path, PartKind::transformer);
    for (const auto& [name, tensor] : weights_of(path, PartKind::transformer, at::kBFloat16))
      EXPECT_TRUE(at::equal(tensor, wide.at(name).to(at::kBFloat16))) << path << " " << name;
  }
}

Tensor encode_t5(const fs::path& path) {
  const at::NoGradGuard no_grad;
  const T5Encoder encoder =
      get(T5Encoder::load(get(load_part(part_of(path, PartKind::t5), at::kFloat, at::kCPU))));
  const T5Tokenizer tokenizer = get(T5Tokenizer::load(folder() / "tokenizer_2"));
  return get(encoder.encode(tokenizer.encode(cases()["prompts"][0].get<std::string>(), 64)));
}

TEST(Layouts, T5UnderItsNamesAndLlamaCpps) {
  const Folder out("t5");
  const fs::path file = comfyui() / "text_encoders/t5xxl_bf16.safetensors";
  const Tensor wanted = expected("t5.0.last_hidden_state");
  EXPECT_LE(distance(encode_t5(file), wanted), kPartTolerance);

  Rewritten()
      .copy(file,
            [](const std::string& name) {
              return name.starts_with("encoder.") ? name.substr(8) : name;
            })
      .save(out / "bare.safetensors");
  EXPECT_LE(distance(encode_t5(out / "bare.safetensors"), wanted), kPartTolerance);

  const std::pair<const char*, const char*> names[] = {
      {"shared.", "token_embd."},
      {"encoder.block.", "enc.blk."},
      {"encoder.final_layer_norm.", "enc.output_norm."},
      {"layer.0.SelfAttention.relative_attention_bias.", "attn_rel_b."},
      {"layer.0.SelfAttention.q.", "attn_q."},
      {"layer.0.SelfAttention.k.", "attn_k."},
      {"layer.0.SelfAttention.v.", "attn_v."},
      {"layer.0.SelfAttention.o.", "attn_o."},
      {"layer.0.layer_norm.", "attn_norm."},
      {"layer.1.layer_norm.", "ffn_norm."},
      {"layer.1.DenseReluDense.wi_0.", "ffn_gate."},
      {"layer.1.DenseReluDense.wi_1.", "ffn_up."},
      {"layer.1.DenseReluDense.wo.", "ffn_down."}};
  const auto llama = [&](std::string name) {
    for (const auto& [from, to] : names)
      if (const auto at = name.find(from); at != std::string::npos)
        name.replace(at, std::string_view(from).size(), to);
    return name;
  };
  const Tensors tensors = get(load_checkpoint(file)).tensors;
  const std::pair<Dtype, double> kinds[] = {
      {Dtype::f16, kPartTolerance}, {Dtype::q8_0, 0.01}, {Dtype::q5_k, 0.06}, {Dtype::q4_k, 0.12}};
  for (const auto& [dtype, tolerance] : kinds) {
    save_gguf(out / "t5.gguf", tensors, dtype, llama);
    EXPECT_LE(worst_weight(out / "t5.gguf", file, PartKind::t5), tolerance) << dtype_name(dtype);
    if (dtype == Dtype::f16) {
      EXPECT_LE(distance(encode_t5(out / "t5.gguf"), wanted), kPartTolerance);
    }
  }
}

// A file of float8, and the same numbers widened into a file of float32.
TEST(Layouts, T5InFloat8) {
  const Folder out("t5-float8");
  const fs::path file = comfyui() / "text_encoders/t5xxl_fp8_e4m3fn.safetensors";
  get(save_safetensors(out / "wide.safetensors", get(load_checkpoint(file)).tensors));
  EXPECT_TRUE(at::equal(encode_t5(file), encode_t5(out / "wide.safetensors")));
  // e4m3 keeps three bits behind the point.
  EXPECT_LE(worst_weight(file, comfyui() / "text_encoders/t5xxl_bf16.safetensors", PartKind::t5),
            0.04);
}

TEST(Layouts, ClipUnderItsPrefixes) {
  const Folder out("clip");
  const fs::path file = comfyui() / "text_encoders/clip_l.safetensors";
  const ClipTokenizer tokenizer = get(ClipTokenizer::load(folder() / "tokenizer"));
  const auto ids = tokenizer.encode(cases()["prompts"][0].get<std::string>());
  const auto pooled = [&](const fs::path& path) {
    const at::NoGradGuard no_grad;
    const ClipEncoder encoder = get(
        ClipEncoder::load(get(load_part(part_of(path, PartKind::clip), at::kFloat, at::kCPU)), 4));
    return get(encoder.encode(ids, tokenizer.end_id())).pooled;
  };
  const Tensor wanted = expected("clip.0.pooler_output");
  EXPECT_LE(distance(pooled(file), wanted), kPartTolerance);
  Rewritten()
      .copy(file,
            [](const std::string& name) {
              return name.substr(std::string_view("text_model.").size());
            })
      .save(out / "bare.safetensors");
  EXPECT_LE(distance(pooled(out / "bare.safetensors"), wanted), kPartTolerance);
  Rewritten()
      .copy(file,
            [](const std::string& name) { return "text_encoders.clip_l.transformer." + name; })
      .save(out / "long.safetensors");
  EXPECT_LE(distance(pooled(out / "long.safetensors"), wanted), kPartTolerance);
}

TEST(Layouts, TheAutoencoderUnderBothKeyStyles) {
  const at::NoGradGuard no_grad;
  for (const fs::path& path : {comfyui() / "vae/ae.safetensors", folder() / "vae"}) {
    const Autoencoder model = get(Autoencoder::load(
        get(load_part(part_of(path, PartKind::autoencoder), at::kFloat, at::kCPU)),
        AutoencoderNumbers{}));
    EXPECT_LE(
        distance(model.encode_mean(expected("vae.encode.input")), expected("vae.encode.mode")),
        kPartTolerance);
    EXPECT_LE(
        distance(model.decode_raw(expected("vae.decode.input")), expected("vae.decode.output")),
        kPartTolerance);
  }
}

// Whole runs, from whole models.

double run_plain(const KontextFiles& files) {
  const Kontext kontext = get(Kontext::load(files, at::kFloat));
  const auto& run = cases().at("pipeline").at(0);
  RenderRequest request;
  request.width = run.at("w");
  request.height = run.at("h");
  request.steps = run.at("steps");
  request.guidance = run.at("guidance");
  request.seed = run.at("seed");
  request.prompt = get(kontext.embed_text(run.at("prompt").get<std::string>(),
                                          run.at("max_sequence_length").get<int>()));
  request.reference = get(kontext.encode_reference(load_png(folder() / run.at("reference")),
                                                   {ReferenceSize::Kind::keep, {}}));
  const std::string name = run.at("name");
  return distance(get(kontext.render(request)).latents, expected("pipeline." + name + ".latents"));
}

TEST(Layouts, AComfyUiFolderRendersWhatTheReferenceRenders) {
  EXPECT_LE(run_plain({comfyui(), folder()}), kRunTolerance);
  EXPECT_LE(run_plain({bfl_file(), folder()}), kRunTolerance);
}

TEST(Layouts, ACheckpointOfAllPartsRendersWhatTheReferenceRenders) {
  const Folder out("checkpoint");
  const auto under = [](const std::string& prefix) {
    return [prefix](const std::string& name) { return prefix + name; };
  };
  Rewritten()
      .copy(bfl_file(), under("model.diffusion_model."))
      .copy(comfyui() / "text_encoders/clip_l.safetensors",
            under("text_encoders.clip_l.transformer."))
      .copy(comfyui() / "text_encoders/t5xxl_bf16.safetensors",
            under("text_encoders.t5xxl.transformer."))
      .copy(comfyui() / "vae/ae.safetensors", under("vae."))
      .save(out / "checkpoints/all.safetensors");
  fs::copy_file(comfyui() / "pirouette.json", out / "pirouette.json",
                fs::copy_options::overwrite_existing);
  EXPECT_LE(run_plain({out / "checkpoints/all.safetensors", folder()}), kRunTolerance);
  EXPECT_LE(run_plain({out.path(), folder()}), kRunTolerance);
}

TEST(Layouts, WithoutItsSideFileATinyModelSaysWhatIsMissing) {
  const Folder out("no-side-file");
  for (const char* part : {"diffusion_models", "text_encoders", "vae"})
    fs::create_directory_symlink(comfyui() / part, out / part);
  const auto loaded = Kontext::load({out.path(), folder()}, at::kFloat);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().what.find("12 attention heads do not divide a width of 40"),
            std::string::npos)
      << loaded.error().what;
}

}  // namespace
}  // namespace pirouette::flux::golden
