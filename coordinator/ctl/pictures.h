#pragma once
// Pictures on this machine's disk: which there are, whether they may be references, what they hash
// to. Nothing is decoded here (only heads are read); the server does that.

#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"
#include "coordinator/ctl/problems.h"
#include "coordinator/ctl/submission.h"

namespace pirouette::ctl {

// Files of a folder whose names end as pictures' do, sorted by name. invalid: it cannot be read.
Result<std::vector<std::filesystem::path>> list_pictures(const std::filesystem::path& folder);

// ".png, .jpg, .jpeg or .webp"
std::string picture_endings();

// Format, size and limits of each file; what each hashes to goes into it.
void check_pictures(std::vector<Picture>& pictures, Problems& problems);

}  // namespace pirouette::ctl
