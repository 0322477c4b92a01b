#pragma once
// Examples for a Kontext of one's own, without a file: a character seen from any of the eight
// views, an instruction (edit.h), and the picture that it asks for. Half of the pictures and more
// are on white; nothing is ever turned. Drawn as they are needed, as turning_characters.h's are.

#include <cstdint>
#include <memory>

#include "worker/flux/reference.h"
#include "worker/train/dataset.h"

namespace pirouette::train {

// So many characters, of the seeds 0 to count - 1; others stay unseen for who tests.
std::unique_ptr<Dataset> edited_characters(std::uint64_t count, flux::Size size);

}  // namespace pirouette::train
