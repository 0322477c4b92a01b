#include "coordinator/ctl/pictures.h"

#include <algorithm>
#include <array>

#include "common/files.h"
#include "common/job/names.h"
#include "common/picture_head.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kPictureEndings{".png", ".jpg", ".jpeg", ".webp"};

bool is_picture(const fs::directory_entry& entry) {
  std::error_code failed;
  return entry.is_regular_file(failed) &&
         std::ranges::find(kPictureEndings, lower_case(entry.path().extension().string())) !=
             kPictureEndings.end();
}

Result<Digest> check(const fs::path& file) {
  std::error_code failed;
  if (fs::is_directory(file, failed)) {
    return Error{Errc::invalid, file.string() + " is a folder; name a picture in it"};
  }
  // One byte more than is accepted, so that check_reference() says what is too much.
  const auto size = fs::file_size(file, failed);
  if (!failed && size > kReferenceMaxBytes) {
    return Error{Errc::invalid, "the file has " + std::to_string(size >> 20) + " MiB; at most " +
                                    std::to_string(kReferenceMaxBytes >> 20) +
                                    " are accepted: save it smaller"};
  }
  const auto bytes = TRY(read_file(file, kReferenceMaxBytes));
  TRY(check_reference(bytes));
  return sha256(bytes);
}

}  // namespace

Result<std::vector<fs::path>> list_pictures(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> pictures;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (is_picture(entry)) pictures.push_back(entry.path());
  }
  if (failed) {
    return Error{Errc::invalid, "cannot read the folder " + folder.string() + ": " +
                                    failed.message() + "; name a folder of reference pictures"};
  }
  std::ranges::sort(pictures);
  return pictures;
}

std::string picture_endings() { return ".png, .jpg, .jpeg or .webp"; }

void check_pictures(std::vector<Picture>& pictures, Problems& problems) {
  for (Picture& picture : pictures) {
    if (picture.file.empty()) continue;
    const auto checked = check(picture.file);
    if (checked.ok()) {
      picture.original = checked.value();
    } else {
      problems.add(picture.place, checked.error().what);
    }
  }
}

}  // namespace pirouette::ctl
