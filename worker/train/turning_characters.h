#pragma once
// Examples for a turnaround LoRA, without a file: a character seen from the front, the product's
// own prompt for one of its eight views, and the character seen from there. Half of the prompts
// have identity notes, as a studio may give them or not: the character's description. Drawn as they
// are needed (worker/train/characters), so the machine that trains is given nothing.

#include <cstdint>
#include <memory>

#include "worker/flux/reference.h"
#include "worker/train/dataset.h"

namespace pirouette::train {

// So many characters, of the seeds 0 to count - 1; others stay unseen for who tests. with_masks: of
// where the target would differ with all one-sided things on the other side; a picture more is
// drawn for each.
std::unique_ptr<Dataset> turning_characters(std::uint64_t count, flux::Size size,
                                            bool with_masks = false);

}  // namespace pirouette::train
