#include "worker/train/new_model.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>

#include "common/files.h"
#include "worker/flux/storage/config.h"
#include "worker/flux/storage/model_source.h"
#include "worker/train/new_model_parts.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kGroups = 32;  // of the autoencoder's norms, unless it says otherwise
constexpr std::size_t kLevels = 4;    // an eighth of the size, as everything after it expects
constexpr std::int64_t kCellsPerToken = 4;
constexpr std::int64_t kSizeMax = 1 << 20;

// One part's numbers, each there and positive.
class Dimensions {
 public:
  Dimensions(const json& all, const char* part) : part_(part) {
    if (const auto found = all.find(part); found != all.end()) numbers_ = *found;
  }
  Result<std::int64_t> count(const char* name) const {
    const auto found = numbers_.find(name);
    if (found == numbers_.end() || !is_count(*found)) return wrong(name, "a positive number");
    return found->get<std::int64_t>();
  }
  Result<std::vector<std::int64_t>> counts(const char* name, std::size_t how_many) const {
    const auto found = numbers_.find(name);
    if (found == numbers_.end() || !found->is_array() || found->size() != how_many ||
        !std::ranges::all_of(*found, is_count))
      return wrong(name, std::to_string(how_many) + " positive numbers");
    return found->get<std::vector<std::int64_t>>();
  }
  bool has(const char* name) const { return numbers_.contains(name); }
  bool is_on(const char* name) const { return numbers_.value(name, false); }
  Error wrong(const std::string& name, const std::string& wanted) const {
    return {Errc::invalid, std::string("the new model's ") + part_ + '.' + name + " must be " +
                               wanted + " (docs/training.md)"};
  }

 private:
  static bool is_count(const json& number) {
    return number.is_number_unsigned() && number.get<std::uint64_t>() > 0 &&
           number.get<std::uint64_t>() <= static_cast<std::uint64_t>(kSizeMax);
  }
  std::string part_;
  json numbers_ = json::object();
};

struct NewModel {
  NewTransformer transformer;
  NewAutoencoder autoencoder;
  NewClip clip;
  NewT5 t5;
};

Result<NewModel> read(const json& all) {
  NewModel m;
  const Dimensions vae(all, "vae"), clip(all, "text_encoder"), t5(all, "text_encoder_2"),
      transformer(all, "transformer");
  m.autoencoder = {TRY(vae.counts("block_out_channels", kLevels)),
                   TRY(vae.count("layers_per_block")), TRY(vae.count("latent_channels"))};
  const std::int64_t groups =
      vae.has("norm_num_groups") ? TRY(vae.count("norm_num_groups")) : kGroups;
  for (const std::int64_t width : m.autoencoder.widths)
    if (width % groups != 0) return vae.wrong("block_out_channels", "multiples of norm_num_groups");
  m.clip = {TRY(clip.count("hidden_size")), TRY(clip.count("intermediate_size")),
            TRY(clip.count("num_hidden_layers")), TRY(clip.count("vocab_size"))};
  if (m.clip.width % TRY(clip.count("num_attention_heads")) != 0)
    return clip.wrong("hidden_size", "a multiple of num_attention_heads");
  m.t5 = {TRY(t5.count("d_model")), TRY(t5.count("d_ff")),       TRY(t5.count("num_heads")),
          TRY(t5.count("d_kv")),    TRY(t5.count("num_layers")), TRY(t5.count("vocab_size"))};
  m.transformer.doubles = TRY(transformer.count("num_layers"));
  m.transformer.singles = TRY(transformer.count("num_single_layers"));
  m.transformer.heads = TRY(transformer.count("num_attention_heads"));
  m.transformer.head_width = TRY(transformer.count("attention_head_dim"));
  m.transformer.channels = kCellsPerToken * m.autoencoder.latents;
  m.transformer.text = m.t5.width;
  m.transformer.pooled = m.clip.width;
  m.transformer.guided = transformer.is_on("guidance_embeds");
  const auto axes = TRY(transformer.counts("axes_dims_rope", 3));
  if (std::accumulate(axes.begin(), axes.end(), std::int64_t{0}) != m.transformer.head_width ||
      std::ranges::any_of(axes, [](std::int64_t axis) { return axis % 2 != 0; }))
    return transformer.wrong("axes_dims_rope", "even numbers whose sum is attention_head_dim");
  return m;
}

// What each part's config.json says besides its sizes, in the words of FLUX.1's.
json settings_of(const json& all, const NewModel& m, const std::string& part) {
  json config = all.value(part, json::object());
  const auto add = [&](const json& more) { config.update(more); };
  if (part == "transformer")
    add({{"_class_name", "FluxTransformer2DModel"},
         {"in_channels", m.transformer.channels},
         {"out_channels", nullptr},
         {"patch_size", 1},
         {"joint_attention_dim", m.t5.width},
         {"pooled_projection_dim", m.clip.width},
         {"guidance_embeds", m.transformer.guided}});
  if (part == "vae")
    add({{"_class_name", "AutoencoderKL"},
         {"act_fn", "silu"},
         {"in_channels", 3},
         {"out_channels", 3},
         {"down_block_types", std::vector<std::string>(kLevels, "DownEncoderBlock2D")},
         {"norm_num_groups", config.value("norm_num_groups", kGroups)},
         {"up_block_types", std::vector<std::string>(kLevels, "UpDecoderBlock2D")},
         {"mid_block_add_attention", true},
         {"use_quant_conv", false},
         {"use_post_quant_conv", false},
         {"scaling_factor", 1.0},  // measured after the autoencoder's training
         {"shift_factor", 0.0}});
  if (part == "text_encoder")
    add({{"architectures", {"CLIPTextModel"}},
         {"model_type", "clip_text_model"},
         {"hidden_act", "quick_gelu"},
         {"layer_norm_eps", 1e-5},
         {"max_position_embeddings", m.clip.positions},
         {"projection_dim", m.clip.width},
         {"eos_token_id", 2}});
  if (part == "text_encoder_2")
    add({{"architectures", {"T5EncoderModel"}},
         {"model_type", "t5"},
         {"feed_forward_proj", "gated-gelu"},
         {"dense_act_fn", "gelu_new"},
         {"is_gated_act", true},
         {"is_encoder_decoder", false},
         {"layer_norm_epsilon", 1e-6},
         {"relative_attention_num_buckets", m.t5.buckets},
         {"relative_attention_max_distance", 128}});
  if (part == "scheduler")
    add({{"_class_name", "FlowMatchEulerDiscreteScheduler"},
         {"num_train_timesteps", 1000},
         {"use_dynamic_shifting", true},
         {"time_shift_type", "exponential"}});
  return config;
}

json model_index() {
  return {{"_class_name", "FluxKontextPipeline"},
          {"scheduler", {"diffusers", "FlowMatchEulerDiscreteScheduler"}},
          {"text_encoder", {"transformers", "CLIPTextModel"}},
          {"text_encoder_2", {"transformers", "T5EncoderModel"}},
          {"tokenizer", {"transformers", "CLIPTokenizer"}},
          {"tokenizer_2", {"transformers", "T5TokenizerFast"}},
          {"transformer", {"diffusers", "FluxTransformer2DModel"}},
          {"vae", {"diffusers", "AutoencoderKL"}}};
}

// An autoencoder's attention is written as Linear by diffusers, so it is here, too.
Result<void> write_part(const fs::path& folder, const std::string& part, const json& settings,
                        const flux::Tensors& tensors) {
  std::error_code failed;
  fs::create_directories(folder / part, failed);
  if (failed) return Error{Errc::io, (folder / part).string() + ": " + failed.message()};
  TRY(write_file_durably(folder / part / "config.json", settings.dump(2) + '\n'));
  const bool is_text = part.starts_with("text_encoder");
  const char* file = is_text ? "model.safetensors" : "diffusion_pytorch_model.safetensors";
  return flux::save_safetensors(folder / part / file, tensors, {{"format", "pt"}});
}

Result<void> copy_tokenizers(const fs::path& from, const fs::path& to) {
  for (const char* name : {"tokenizer", "tokenizer_2"}) {
    std::error_code failed;
    fs::copy(from / name, to / name,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing, failed);
    if (failed)
      return Error{Errc::io, "copying " + (from / name).string() + ": " + failed.message() +
                                 "; --tokenizers is a folder with tokenizer/ and tokenizer_2/"};
  }
  return {};
}

}  // namespace

Result<void> write_new_model(const fs::path& dimensions, const fs::path& tokenizers,
                             const fs::path& folder, std::uint64_t seed) {
  const json all = TRY(flux::load_config(dimensions));
  const NewModel model = TRY(read(all));
  std::error_code failed;
  fs::create_directories(folder / "scheduler", failed);
  TRY(copy_tokenizers(tokenizers, folder));
  TRY(write_file_durably(folder / "model_index.json", model_index().dump(2) + '\n'));
  TRY(write_file_durably(folder / "scheduler" / "scheduler_config.json",
                         settings_of(all, model, "scheduler").dump(2) + '\n'));
  RandomWeights transformer(seed), autoencoder(seed + 1), clip(seed + 2), t5(seed + 3);
  add_transformer(model.transformer, transformer);
  add_autoencoder(model.autoencoder, autoencoder);
  add_clip(model.clip, clip);
  add_t5(model.t5, t5);
  const std::array<std::pair<const char*, const RandomWeights*>, 4> parts = {{
      {"transformer", &transformer},
      {"vae", &autoencoder},
      {"text_encoder", &clip},
      {"text_encoder_2", &t5},
  }};
  for (const auto& [part, weights] : parts)
    TRY(write_part(folder, part, settings_of(all, model, part), weights->tensors()));
  // Some sizes are those of other models (4 latent channels: Stable Diffusion's), which are
  // refused.
  (void)TRY(flux::find_model(folder, std::nullopt));
  return {};
}

}  // namespace pirouette::train
