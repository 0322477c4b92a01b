#pragma once
// A sheet's views put together: one picture on a common scale and foot line, a thumbnail of it, and
// what was noticed. Works on blobs, off the loop; the runtime gives it one task at a time. The
// front of the part: as_reference and thumbnail come along with it.

#include <string>
#include <vector>

#include "common/blobs.h"
#include "common/hash.h"
#include "common/result.h"
#include "coordinator/assembly/picture.h"
#include "coordinator/assembly/reference.h"
#include "coordinator/core/effect.h"

namespace pirouette::assembly {

struct AssembledSheet {
  Digest picture, thumbnail;  // PNG, in the blobs
  std::string checks;         // JSON: see checks.h
};

// What a sheet says besides showing its pictures.
struct SheetStory {
  struct View {
    std::uint32_t take = 1;
    std::string why;  // of a gap, for people
  };
  std::vector<View> views;  // as the task has them
  std::string parameters;   // how it was made: common/job/parameters.h
};

// not_found, io, corrupt: a view's picture cannot be read. Equal tasks and stories give equal
// bytes.
Result<AssembledSheet> assemble(const core::AssembleSheet& sheet, const SheetStory& story,
                                Blobs blobs);

}  // namespace pirouette::assembly
