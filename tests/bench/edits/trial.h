#pragma once
// Edits of characters that were not learnt from, rendered by the worker's own engine without any
// LoRA: does the model do what it is told, leave the rest, and turn nobody? Each picture is judged
// against the renderer's truth: the same character before and after the edit, and after it from all
// eight sides.

#include <vector>

#include "tests/bench/engines/engines.h"
#include "tests/judge/edits.h"
#include "tests/judge/panel.h"
#include "worker/train/edit.h"

namespace pirouette::bench {

struct EditSetup : DrawingSetup {
  int edits = 40;  // of each kind
};

struct JudgedEdit {
  train::EditKind kind = train::EditKind::keep;
  Image before = {}, after = {}, picture = {};
  judge::EditVerdict verdict = {};
  bool has_right_view = false;  // of the eight from which after may be seen, its own is the nearest
};

// By kind, so many of each. invalid: there are not so many.
Result<std::vector<JudgedEdit>> run(const EditSetup& setup);

}  // namespace pirouette::bench
