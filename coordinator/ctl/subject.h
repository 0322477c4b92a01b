#pragma once
// What a command is about, as people name it: 7 (a number), 7/knight (the sheet of a character in
// batch 7), 7/knight/back (a pose of it), or the kind before the number: sheet/12, pose/41.

#include <cstdint>
#include <string>

#include "common/result.h"
#include "coordinator/ctl/client.h"

namespace pirouette::ctl {

struct Subject {
  enum class Kind { batch, sheet, pose };
  Kind kind = Kind::batch;
  std::uint64_t id = 0;

  std::string path() const;  // "/poses/41"
  std::string text() const;  // "pose 41"
};

// number_is: what a number alone stands for. Asks the server about names. invalid: not one of the
// forms above; not_found names what there is.
Result<Subject> find_subject(Client& client, const std::string& text, Subject::Kind number_is);

}  // namespace pirouette::ctl
