#pragma once
// What a studio asks for: recipe, pose set, prompts, and the batch that carries them. Pure: text
// in, structs out. The defaults are the craft's (832x1248, 24 steps, guidance 2.5, LoRA at 1.0).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/hash.h"
#include "common/job/step_cache.h"
#include "common/result.h"
#include "common/time.h"

namespace pirouette {

// One view slot of a sheet. "Left" is ambiguous, so a view says what it shows and where it faces:
// facing screen-left shows the subject's left side.
struct View {
  std::string id;            // "q_left"; letters, digits and '_'
  int azimuth_deg = 0;       // 0 front, 90 the subject turned to screen-left, counted on to 359
  std::string name;          // "three-quarter left view", as the prompt says it
  std::string geometry;      // "turned 45 degrees, facing screen-left"
  std::string shows_side;    // front | left | back | right (the subject's own)
  std::string faces_screen;  // viewer | left | away | right
  bool operator==(const View&) const = default;
};

using PoseSet = std::vector<View>;

// The eight views of the table, by azimuth. Pose sets are made of these.
const std::vector<View>& standard_views();

// std6, turn5, ortho4, game8; not_found names the ones there are.
Result<PoseSet> named_pose_set(std::string_view name);
std::vector<std::string> pose_set_names();

struct RecipeLora {
  std::string name;     // as it is registered at the coordinator, or as workers know it
  double scale = 1.0;   // may be negative
  std::string trigger;  // words that must stand in the prompt; "" for none
  // Of a registered one, since the submission: these bytes and no others, which workers fetch.
  // None: a file in the workers' own folders.
  Digest sha256 = {};
  std::uint64_t bytes = 0;
  bool operator==(const RecipeLora&) const = default;
};

enum class Stance { neutral, a_pose, t_pose };

inline constexpr std::string_view kTurnaroundTrigger = "create turnaround sheet of this character";

struct Recipe {
  std::string model = "flux1-kontext-dev";
  std::vector<RecipeLora> loras;
  std::string pose_set = "std6";  // a name, or "custom"
  PoseSet views;                  // what pose_set stands for; never empty once parsed
  int width = 832;
  int height = 1248;
  std::string reference_size = "auto";  // auto (Kontext's nearest preset) | keep | WxH
  int steps = 24;
  double guidance = 2.5;
  double true_cfg = 1.0;          // above 1, with a negative prompt, doubles the cost
  int max_sequence_length = 512;  // T5 tokens
  Stance stance = Stance::neutral;
  std::string
      prompt;  // template: {view} {geometry} {stance} {triggers} {identity_notes} {correction}
  std::string negative_prompt;
  std::vector<std::string> required_tags;  // a worker must have each of them
  std::string proof;             // the view that is rendered first; the others are held until it is
                                 // found good; "": none
  bool held_fills_idle = false;  // held views are rendered by workers that have nothing else
  StepCache step_cache{};
  bool operator==(const Recipe&) const = default;
};

// The template a recipe gets that names none: one single full-body figure a canvas.
std::string_view default_prompt_template();

// What one worker needs to render one pose: the recipe with everything filled in.
struct RenderSpec {
  std::string model;
  std::vector<RecipeLora> loras;
  std::string prompt;
  std::string negative_prompt;
  double true_cfg = 1.0;
  Digest reference;
  std::string reference_size;
  int width = 0;
  int height = 0;
  int steps = 0;
  double guidance = 0;
  std::uint64_t seed = 0;
  int max_sequence_length = 512;
  StepCache step_cache{};
  bool operator==(const RenderSpec&) const = default;
};

// The template with its slots filled, white space folded, empty slots leaving no stray comma.
std::string make_prompt(const Recipe& recipe, const View& view, std::string_view identity_notes,
                        std::string_view correction);

RenderSpec make_render_spec(const Recipe& recipe, const View& view, const Digest& reference,
                            std::string_view identity_notes, std::string_view correction,
                            std::uint64_t seed);

// A sheet's own seed is every view's for take 1, and counts on by one for each later take. Without
// one: a hash of character, view and take, the same on every machine, of 63 bits, so that every
// tool that reads it can hold it.
std::uint64_t make_seed(std::string_view character, std::optional<std::uint64_t> sheet_seed,
                        std::string_view view_id, std::uint32_t take);

struct SheetSpec {
  std::string character;  // names.h says what it may be; unique in a batch
  Digest reference;
  std::string notes;  // {identity_notes}
  std::optional<std::uint64_t> seed;
  Digest original = {};              // what the studio sent, before it was cropped; none: the same
  std::optional<int> priority = {};  // where it is not the batch's
  std::vector<std::uint32_t> views = {};  // which of the recipe's, rising; empty: all of them
};

struct BatchSpec {
  std::string name;
  std::string owner;
  int priority = 50;  // 0 (last) to 100 (first)
  std::optional<Instant> deadline;
  Recipe recipe;
  std::vector<SheetSpec> sheets;
  bool idle_only = false;  // it takes only what nobody else can use
};

// Limits on what is accepted (DESIGN: no silent caps). Errors name them.
inline constexpr std::size_t kBatchMaxSheets = 10'000;
inline constexpr std::size_t kPoseSetMaxViews = 64;
inline constexpr std::size_t kPromptMaxBytes = 8'192;
inline constexpr std::size_t kNameMaxBytes = 200;
inline constexpr std::size_t kRecipeMaxBytes = 1 << 20;   // a recipe as JSON
inline constexpr std::size_t kBatchMaxBytes = 128 << 20;  // 10,000 sheets with long notes
inline constexpr std::size_t kLorasMax = 8;
inline constexpr std::size_t kTagsMax = 16;  // of a worker, and of what a recipe requires
inline constexpr std::uint64_t kLoraMaxBytes = 4ull << 30;       // rank 256 in 16 bits is 2.5 GB
inline constexpr std::uint64_t kLoraCacheMaxBytes = 1ull << 50;  // of one worker
inline constexpr int kSideMinPx = 64, kSideMaxPx = 4096;
inline constexpr int kSideMultiplePx =
    16;  // the autoencoder's 8 times the transformer's patch of 2
inline constexpr int kStepsMax = 200;
inline constexpr int kSequenceLengthMax = 512;  // FLUX's T5 was trained with no more
inline constexpr double kLoraScaleMax = 4;      // to either side; LoRAs fall apart long before
inline constexpr double kGuidanceMax = 30;      // above 10 pictures are burnt already
inline constexpr double kTrueCfgMax = 30;

// What a worker's admin may call it and a recipe may require: letters, digits, '_', '-' and '.'.
bool is_tag(std::string_view text);

// JSON as schema/recipe.schema.json describes it. Missing fields get the defaults; every wrong or
// unknown field is named in the one error (invalid).
Result<Recipe> parse_recipe(std::string_view json);
std::string to_json(const Recipe& recipe);  // canonical: parse_recipe(to_json(r)) == r

// {"name", "owner", "priority", "deadline" (RFC 3339), "recipe": {…}, "sheets": [{"character",
// "reference" (sha256), "original" (sha256), "notes", "seed", "priority", "pose_set" (a name or ids
// of views)}]}. Sheets' pose sets are settled: sheet_views.h.
Result<BatchSpec> parse_batch(std::string_view json);
std::string to_json(const BatchSpec& batch);

// RFC 3339 in UTC with milliseconds: "2026-03-01T09:00:00.000Z".
Result<Instant> parse_rfc3339(std::string_view text);  // any offset
std::string to_rfc3339(Instant instant);

}  // namespace pirouette
