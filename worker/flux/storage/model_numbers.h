#pragma once
// What a FLUX.1 model's weights do not tell by their shapes: how the head splits into position
// axes, CLIP's heads, the latents' scaling, the groups of the autoencoder's norms, the schedule.
// The defaults are FLUX.1's; the JSON files of a diffusers folder, or a pirouette.json beside other
// layouts, may say others. Free of torch.

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "common/result.h"

namespace pirouette::flux {

// Head widths given to the three position axes (picture, row, column); their sum is the head's.
using RopeAxes = std::array<std::int64_t, 3>;
inline constexpr RopeAxes kFluxRopeAxes = {16, 56, 56};

// Of the autoencoder: latent = (mean - shift) * scale, and how many groups its norms make of the
// channels.
struct AutoencoderNumbers {
  double scale = 0.3611;
  double shift = 0.1159;
  std::int64_t norm_groups = 32;
};

// How the schedule is shifted with the picture's size.
struct Shift {
  double base = 0.5;
  double max = 1.15;
  std::int64_t base_tokens = 256;
  std::int64_t max_tokens = 4096;
};

struct ModelNumbers {
  RopeAxes axes = kFluxRopeAxes;
  std::int64_t clip_heads = 12;  // CLIP-L
  AutoencoderNumbers autoencoder;
  Shift shift;
};

// What a pirouette.json says:
//   {"transformer": {"axes_dims_rope": [16, 56, 56]}, "text_encoder": {"num_attention_heads": 12},
//    "vae": {"scaling_factor": …, "shift_factor": …, "norm_num_groups": …},
//    "scheduler": {"base_shift": …, …},
//    "files": {"transformer": "unet/a.gguf", "text_encoder_2": …}}
// Every part may be missing; what else stands there is left alone.
struct SideFile {
  ModelNumbers numbers;
  // transformer, text_encoder, text_encoder_2, vae -> path as written, relative to the file's
  // folder
  std::map<std::string, std::string> files;
};

// corrupt: no JSON object, or a number that cannot be.
Result<SideFile> parse_side_file(std::span<const std::uint8_t> text);

// One part's JSON file, as diffusers names them, read into numbers. part: as in pirouette.json.
Result<void> read_numbers(const nlohmann::json& config, const std::string& part,
                          ModelNumbers& numbers);

// The JSON files of a diffusers folder; those that are not there leave FLUX.1's numbers.
Result<ModelNumbers> load_diffusers_numbers(const std::filesystem::path& folder);

}  // namespace pirouette::flux
