#include "tests/bench/gpu/full_size_model.h"

#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "worker/flux/checkpoint.h"

namespace pirouette::flux::bench {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWidth = 3072, kHidden = 4 * kWidth, kHeadWidth = 128;
constexpr int kDoubles = 19, kSingles = 38;

struct Planned {
  std::string name;
  std::vector<int64_t> shape;
  double scale;  // of the random numbers
  double mean;
};

class Plan {
 public:
  void tensor(const std::string& name, std::vector<int64_t> shape, double scale, double mean = 0) {
    tensors_.push_back({name, std::move(shape), scale, mean});
  }
  void linear(const std::string& name, int64_t out, int64_t in) {
    tensor(name + ".weight", {out, in}, 0.9 / std::sqrt(static_cast<double>(in)));
    tensor(name + ".bias", {out}, 0.02);
  }
  void conv(const std::string& name, int64_t out, int64_t in, int64_t kernel) {
    tensor(name + ".weight", {out, in, kernel, kernel},
           1 / std::sqrt(static_cast<double>(in * kernel * kernel)));
    tensor(name + ".bias", {out}, 0.02);
  }
  void norm(const std::string& name, int64_t width) {
    tensor(name + ".weight", {width}, 0.1, 1);
    tensor(name + ".bias", {width}, 0.02);
  }
  const std::vector<Planned>& tensors() const { return tensors_; }

 private:
  std::vector<Planned> tensors_;
};

Plan plan_transformer() {
  Plan p;
  p.linear("img_in", kWidth, 64);
  p.linear("txt_in", kWidth, 4096);
  for (const std::string name : {"time_in", "guidance_in", "vector_in"}) {
    p.linear(name + ".in_layer", kWidth, name == "vector_in" ? 768 : 256);
    p.linear(name + ".out_layer", kWidth, kWidth);
  }
  const auto norms = [&](const std::string& at) {
    p.tensor(at + "norm.query_norm.scale", {kHeadWidth}, 0.1, 1);
    p.tensor(at + "norm.key_norm.scale", {kHeadWidth}, 0.1, 1);
  };
  for (int i = 0; i < kDoubles; ++i) {
    for (const std::string stream : {"img", "txt"}) {
      const std::string at = "double_blocks." + std::to_string(i) + '.' + stream;
      p.linear(at + "_mod.lin", 6 * kWidth, kWidth);
      p.linear(at + "_attn.qkv", 3 * kWidth, kWidth);
      norms(at + "_attn.");
      p.linear(at + "_attn.proj", kWidth, kWidth);
      p.linear(at + "_mlp.0", kHidden, kWidth);
      p.linear(at + "_mlp.2", kWidth, kHidden);
    }
  }
  for (int i = 0; i < kSingles; ++i) {
    const std::string at = "single_blocks." + std::to_string(i) + '.';
    p.linear(at + "modulation.lin", 3 * kWidth, kWidth);
    p.linear(at + "linear1", 3 * kWidth + kHidden, kWidth);
    p.linear(at + "linear2", kWidth, kWidth + kHidden);
    norms(at);
  }
  p.linear("final_layer.adaLN_modulation.1", 2 * kWidth, kWidth);
  p.linear("final_layer.linear", 64, kWidth);
  return p;
}

void plan_resnet(Plan& p, const std::string& at, int64_t in, int64_t out) {
  p.norm(at + ".norm1", in);
  p.conv(at + ".conv1", out, in, 3);
  p.norm(at + ".norm2", out);
  p.conv(at + ".conv2", out, out, 3);
  if (in != out) p.conv(at + ".nin_shortcut", out, in, 1);
}

void plan_middle(Plan& p, const std::string& at, int64_t width) {
  plan_resnet(p, at + ".block_1", width, width);
  p.norm(at + ".attn_1.norm", width);
  for (const char* part : {"q", "k", "v", "proj_out"})
    p.conv(at + ".attn_1." + part, width, width, 1);
  plan_resnet(p, at + ".block_2", width, width);
}

Plan plan_autoencoder() {
  Plan p;
  const int64_t widths[] = {128, 256, 512, 512};
  p.conv("encoder.conv_in", 128, 3, 3);
  int64_t width = 128;
  for (int level = 0; level < 4; ++level) {
    const std::string at = "encoder.down." + std::to_string(level);
    for (int block = 0; block < 2; ++block, width = widths[level])
      plan_resnet(p, at + ".block." + std::to_string(block), width, widths[level]);
    if (level < 3) p.conv(at + ".downsample.conv", width, width, 3);
  }
  plan_middle(p, "encoder.mid", 512);
  p.norm("encoder.norm_out", 512);
  p.conv("encoder.conv_out", 32, 512, 3);
  p.conv("decoder.conv_in", 512, 16, 3);
  plan_middle(p, "decoder.mid", 512);
  width = 512;
  for (int level = 3; level >= 0; --level) {
    const std::string at = "decoder.up." + std::to_string(level);
    for (int block = 0; block < 3; ++block, width = widths[level])
      plan_resnet(p, at + ".block." + std::to_string(block), width, widths[level]);
    if (level > 0) p.conv(at + ".upsample.conv", width, width, 3);
  }
  p.norm("decoder.norm_out", 128);
  p.conv("decoder.conv_out", 3, 128, 3);
  return p;
}

Plan plan_t5(int64_t words) {
  constexpr int64_t kText = 4096, kInner = 128;
  Plan p;
  p.tensor("shared.weight", {words, kText}, 1);
  for (int i = 0; i < 2; ++i) {
    const std::string at = "encoder.block." + std::to_string(i) + ".layer.";
    for (const char* part : {"q", "k", "v"})
      p.tensor(at + "0.SelfAttention." + part + ".weight", {kInner, kText}, 0.01);
    p.tensor(at + "0.SelfAttention.o.weight", {kText, kInner}, 0.05);
    if (i == 0) p.tensor(at + "0.SelfAttention.relative_attention_bias.weight", {32, 2}, 0.1);
    p.tensor(at + "0.layer_norm.weight", {kText}, 0.1, 1);
    for (const char* part : {"wi_0", "wi_1"})
      p.tensor(at + "1.DenseReluDense." + part + ".weight", {kInner, kText}, 0.01);
    p.tensor(at + "1.DenseReluDense.wo.weight", {kText, kInner}, 0.05);
    p.tensor(at + "1.layer_norm.weight", {kText}, 0.1, 1);
  }
  p.tensor("encoder.final_layer_norm.weight", {kText}, 0.1, 1);
  return p;
}

Plan plan_clip(int64_t words) {
  constexpr int64_t kText = 768;
  Plan p;
  p.tensor("text_model.embeddings.token_embedding.weight", {words, kText}, 0.5);
  p.tensor("text_model.embeddings.position_embedding.weight", {77, kText}, 0.1);
  const std::string at = "text_model.encoder.layers.0.";
  p.norm(at + "layer_norm1", kText);
  p.norm(at + "layer_norm2", kText);
  for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"})
    p.linear(at + "self_attn." + part, kText, kText);
  p.linear(at + "mlp.fc1", 4 * kText, kText);
  p.linear(at + "mlp.fc2", kText, 4 * kText);
  p.norm("text_model.final_layer_norm", kText);
  return p;
}

// PEFT's names, as ai-toolkit writes them.
Plan plan_lora(int64_t rank) {
  Plan p;
  const auto pair = [&](const std::string& module, int64_t out, int64_t in) {
    const std::string at = "transformer." + module;
    p.tensor(at + ".lora_A.weight", {rank, in}, 1 / std::sqrt(static_cast<double>(in)));
    p.tensor(at + ".lora_B.weight", {out, rank}, 0.002);
  };
  for (int i = 0; i < kDoubles; ++i) {
    const std::string at = "transformer_blocks." + std::to_string(i) + '.';
    for (const char* part : {"to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj",
                             "add_v_proj", "to_add_out"})
      pair(at + "attn." + part, kWidth, kWidth);
    for (const char* part : {"ff", "ff_context"}) {
      pair(at + part + ".net.0.proj", kHidden, kWidth);
      pair(at + part + ".net.2", kWidth, kHidden);
    }
    pair(at + "norm1.linear", 6 * kWidth, kWidth);
    pair(at + "norm1_context.linear", 6 * kWidth, kWidth);
  }
  for (int i = 0; i < kSingles; ++i) {
    const std::string at = "single_transformer_blocks." + std::to_string(i) + '.';
    for (const char* part : {"to_q", "to_k", "to_v"}) pair(at + "attn." + part, kWidth, kWidth);
    pair(at + "proj_mlp", kHidden, kWidth);
    pair(at + "proj_out", kWidth, kWidth + kHidden);
    pair(at + "norm.linear", 3 * kWidth, kWidth);
  }
  return p;
}

// Tensor by tensor, so that the host never holds a second model.
Result<void> write(const fs::path& path, const Plan& plan, at::Device device) {
  nlohmann::ordered_json header;
  std::uint64_t end = 0;
  for (const Planned& planned : plan.tensors()) {
    std::uint64_t bytes = 2;
    for (const int64_t size : planned.shape) bytes *= static_cast<std::uint64_t>(size);
    header[planned.name] = {
        {"dtype", "BF16"}, {"shape", planned.shape}, {"data_offsets", {end, end + bytes}}};
    end += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  fs::create_directories(path.parent_path());
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                             std::fclose);
  if (!file) return Error{Errc::io, path.string() + ": cannot write it"};
  const std::uint64_t length = text.size();
  bool written = std::fwrite(&length, sizeof length, 1, file.get()) == 1 &&
                 std::fwrite(text.data(), text.size(), 1, file.get()) == 1;
  for (const Planned& planned : plan.tensors()) {
    const Tensor numbers =
        (at::randn(planned.shape, at::TensorOptions().dtype(at::kFloat).device(device)) *
             planned.scale +
         planned.mean)
            .to(at::kBFloat16)
            .cpu();
    written = written && std::fwrite(numbers.data_ptr(), numbers.nbytes(), 1, file.get()) == 1;
  }
  if (!written) return Error{Errc::io, path.string() + ": the disk is full"};
  return {};
}

Result<int64_t> words_of(const fs::path& encoder, const std::string& embedding) {
  return TRY(load_weights(encoder)).tensors().at(embedding).size(0);
}

}  // namespace

Result<void> write_full_size_model(const fs::path& folder, const fs::path& tokenizers,
                                   at::Device device) {
  const int64_t clip_words =
      TRY(words_of(tokenizers / "text_encoder", "text_model.embeddings.token_embedding.weight"));
  const int64_t t5_words = TRY(words_of(tokenizers / "text_encoder_2", "shared.weight"));
  TRY(write(folder / "text_encoders/clip_l.safetensors", plan_clip(clip_words), device));
  TRY(write(folder / "text_encoders/t5.safetensors", plan_t5(t5_words), device));
  TRY(write(folder / "vae/ae.safetensors", plan_autoencoder(), device));
  return write(folder / "diffusion_models/kontext.safetensors", plan_transformer(), device);
}

Result<void> write_full_size_lora(const fs::path& file, int64_t rank, at::Device device) {
  return write(file, plan_lora(rank), device);
}

}  // namespace pirouette::flux::bench
