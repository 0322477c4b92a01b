#pragma once
// Characters rendered by the worker's own engine, as the farm asks for them: the front view as the
// reference, the product's prompt for each of the eight views, the product's seeds. Then each
// picture is judged against the renderer's truth (tests/judge).

#include <vector>

#include "tests/bench/engines/engines.h"
#include "tests/judge/panel.h"

namespace pirouette::bench {

struct Setup : DrawingSetup {
  // What is asked for: so many characters at each scale of the LoRA. At 0 it is not there at all;
  // the prompts have its trigger all the same, so that nothing else differs.
  struct Scale {
    double scale = 1;
    int characters = 200;
  };
  std::vector<Scale> scales;
  int ceiling_characters = 20;  // whose truth goes through the autoencoder alone
};

struct JudgedPicture {
  double scale = 1;
  std::uint64_t seed = 0;  // the character's
  bool has_notes = false;  // every other one: its description stands in the prompt
  Image picture, truth;
  judge::Verdict verdict;
  std::uint64_t nearest_seed = 0;
  double seconds = 0;  // from the job to the PNG
};

struct Trial {
  std::vector<JudgedPicture> pictures;  // by scale, character and view, in that order
  std::vector<JudgedPicture> ceiling;   // by character and view
  double rendering_seconds = 0;         // all of it, loading included
};

Result<Trial> run(const Setup& setup);

}  // namespace pirouette::bench
