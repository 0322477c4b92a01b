#pragma once
// The files of tensors below some folders, recognised: what ComfyUI's models/ holds, or one folder
// with everything in it. A studio's folder has files of many models: those that are none of FLUX.1
// are passed over, and named only where the part that was looked for is not there. Free of torch.

#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/storage/parts.h"

namespace pirouette::flux {

struct FolderScan {
  std::vector<Part> parts;
  std::vector<std::string> passed_over;  // a sentence each
};

// Folders that are not there are empty. deep: with their subfolders, as ComfyUI looks. io; busy:
// more files than a folder of models has.
Result<FolderScan> scan_folders(const std::vector<std::filesystem::path>& folders, bool deep);

// The part of that kind. Several files of one and the same model (told by their biases and norms,
// which all precisions keep, and by the weights of files of one precision) are one part: the one
// with the widest numbers. Where one fits the transformer, those that do not are left out.
// transformer: null to choose one. where: the folders, for the message. not_found; invalid: several
// models.
Result<Part> choose_part(const FolderScan& scan, PartKind kind, const Part* transformer,
                         const std::string& where);

// By the numbers of the tensors that both store: true where they are one model, as far as the files
// can tell.
bool same_model(const Part& a, const Part& b);

}  // namespace pirouette::flux
