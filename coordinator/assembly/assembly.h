#pragma once
// A sheet's views put together: one picture on a common scale and foot line, a thumbnail of it, and
// what was noticed. Works on blobs, off the loop; the runtime gives it one task at a time. The
// front of the part: as_reference and thumbnail come along with it.

#include <string>

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

// not_found, io, corrupt: a view's picture cannot be read. Equal tasks give equal bytes.
Result<AssembledSheet> assemble(const core::AssembleSheet& sheet, Blobs blobs);

}  // namespace pirouette::assembly
