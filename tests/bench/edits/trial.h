#pragma once
// Edits of characters that were not learnt from, rendered by the worker's own engine without any
// LoRA: does the model do what it is told, leave the rest, and turn nobody? Each picture is judged
// against the renderer's truth: the same character before and after the edit, and after it from all
// eight sides.

#include <array>
#include <string_view>
#include <vector>

#include "tests/bench/engines/engines.h"
#include "tests/judge/panel.h"
#include "worker/train/edit.h"

namespace pirouette::bench {

struct EditSetup {
  EngineSetup engine;
  judge::Size size;
  int edits = 40;  // of each kind
  int steps = 12, sequence_length = 160;
  double guidance = 2.5;
  std::uint64_t first = 1'000'000;  // seed of the first character; training takes small ones
};

struct JudgedEdit {
  train::EditKind kind = train::EditKind::keep;
  std::string prompt;
  Image before, after, picture;
  // Where before and after differ, in softened pictures (tests/judge/nearness.h); not of "keep".
  bool is_followed = false;    // there the picture is nearer to after
  double share_of_way = 0;     // and so far from before to after: 1 is all of the way
  bool has_right_view = true;  // of the eight from which after may be seen, its own is the nearest
  double ssim = 0, psnr_db = 0;
  double rest_psnr_db = 0;  // where before and after do not differ
};

std::string_view name(train::EditKind kind);

// By kind, so many of each.
Result<std::vector<JudgedEdit>> run(const EditSetup& setup);

}  // namespace pirouette::bench
