#pragma once
// A folder of pictures with a metadata.jsonl, as Hugging Face's imagefolder has it, one row a line:
//   {"reference": "knight.png", "prompt": "… back view", "target": "knight_back.png"}
// Pictures are PNG, named relative to the folder, and read when they are needed. Every epoch goes
// through all rows in an order of its own.

#include <filesystem>
#include <memory>

#include "worker/train/dataset.h"

namespace pirouette::train {

// The names that a row has, where they are others (--cond_image_column, --caption_column,
// --image_column).
struct Columns {
  std::string reference = "reference", prompt = "prompt", target = "target";
};

// seed: of the orders. not_found, corrupt or invalid names the line of the row that is wrong. A
// target may stand under "file_name", imagefolder's own name, too.
Result<std::unique_ptr<Dataset>> open_folder(const std::filesystem::path& folder,
                                             const Columns& columns, std::uint64_t seed);

}  // namespace pirouette::train
