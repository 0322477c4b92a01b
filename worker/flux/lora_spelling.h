#pragma once
// How LoRA files spell the modules of FLUX.1, and what each spelling stands for in the canonical
// model. A spelling is a prefix (who wrote the file) before a vocabulary (whose names of the
// modules: Black Forest Labs', diffusers', x-labs', CLIP's), with dots or with underscores between.
// The vocabularies are one file each: lora_bfl_names.cpp and its neighbours. docs/loras.md shows
// the list of spellings; a test compares them.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pirouette::flux {

// The models a LoRA can change. T5 is not among them: its parts are refused.
enum class LoraModel { transformer, clip };

// The rows of a canonical weight: all, or one of the parts of a fused projection.
enum class RowPart { whole, q, k, v, mlp, qkv };

// Which tensor of which model a LoRA's module changes.
struct LoraTarget {
  LoraModel model = LoraModel::transformer;
  std::string module;  // canonical: "double_blocks.0.img_attn.qkv"
  RowPart part = RowPart::whole;
  bool swaps_halves = false;  // its rows are scale, shift; the canonical ones shift, scale
  bool is_norm = false;       // its only tensor is NAME.scale
};

enum class Joint { dots, underscores };  // what stands between a name's parts

// A vocabulary: none for a name that it does not have.
using FindModule = std::optional<LoraTarget> (*)(std::string_view module, Joint joint);
std::optional<LoraTarget> find_bfl_module(std::string_view module, Joint joint);
std::optional<LoraTarget> find_diffusers_module(std::string_view module, Joint joint);
std::optional<LoraTarget> find_xlabs_module(std::string_view module, Joint joint);
std::optional<LoraTarget> find_clip_module(std::string_view module, Joint joint);

struct LoraSpelling {
  std::string_view name;    // "kohya"
  std::string_view prefix;  // "lora_unet_"; may be empty
  FindModule find;
  Joint joint;
  std::string_view example;  // a module, with its prefix
  std::string_view used_by;  // who writes it
};

std::span<const LoraSpelling> lora_spellings();

struct SpelledModule {
  const LoraSpelling* spelling;  // never null
  LoraTarget target;
};

// module: a key without what the tensor is: "lora_unet_double_blocks_0_img_attn_qkv".
std::optional<SpelledModule> find_spelled_module(std::string_view module);

// "12.rest" or "12_rest" -> 12, leaving "rest".
std::optional<int> consume_block_index(std::string_view& text, Joint joint);

// Are these the same name, but for the joint? canonical has dots.
bool is_same_name(std::string_view spelled, std::string_view canonical, Joint joint);

}  // namespace pirouette::flux
