#include "tests/bench/edits/contact_sheet.h"

#include <array>

#include "common/files.h"
#include "tests/bench/engines/pictures.h"

namespace pirouette::bench {
namespace {

constexpr int kGapPx = 6;

}  // namespace

Result<void> write_contact_sheet(const std::vector<JudgedEdit>& edits, int shown,
                                 const std::filesystem::path& path) {
  PIROUETTE_CHECK(!edits.empty());
  const int width = edits[0].picture.width, height = edits[0].picture.height;
  const int place = 3 * width + kGapPx;
  Image sheet{shown * place, train::kEditKinds * (height + kGapPx), 3, {}};
  sheet.pixels.assign(
      static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height) * 3, 255);
  std::array<int, train::kEditKinds> columns{};
  for (const JudgedEdit& edit : edits) {
    const auto row = static_cast<std::size_t>(edit.kind);
    if (columns.at(row) == shown) continue;
    const int left = columns.at(row)++ * place, top = static_cast<int>(row) * (height + kGapPx);
    paste(edit.before, left, top, sheet);
    paste(edit.after, left + width, top, sheet);
    paste(edit.picture, left + 2 * width, top, sheet);
  }
  return write_file_durably(path, TRY(encode_png(sheet)));
}

}  // namespace pirouette::bench
