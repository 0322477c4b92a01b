#include "tests/bench/turnaround/contact_sheets.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "common/files.h"
#include "tests/bench/engines/pictures.h"

namespace pirouette::bench {
namespace {

constexpr std::size_t kCharactersASheet = 4;
constexpr int kFramePx = 3;

// A character's first picture of eight.
using Row = const JudgedPicture*;

Image framed(const JudgedPicture& judged) {
  Image image = judged.picture;
  const bool is_other_view = !judged.verdict.has_right_view();
  if (!is_other_view && judged.verdict.has_right_character()) return image;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const bool is_inside = x >= kFramePx && y >= kFramePx && x < image.width - kFramePx &&
                             y < image.height - kFramePx;
      if (is_inside) continue;
      std::uint8_t* p = &image.pixels[static_cast<std::size_t>(y * image.width + x) * 3];
      p[0] = is_other_view ? 220 : 240;
      p[1] = is_other_view ? 30 : 150;
      p[2] = 20;
    }
  }
  return image;
}

Result<void> write_sheet(const std::vector<Row>& rows, const std::filesystem::path& path) {
  const int columns = static_cast<int>(standard_views().size());
  const int width = rows[0]->picture.width, height = rows[0]->picture.height;
  Image sheet{width * columns, height * 2 * static_cast<int>(rows.size()), 3, {}};
  sheet.pixels.resize(static_cast<std::size_t>(sheet.width) *
                      static_cast<std::size_t>(sheet.height) * 3);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const int top = 2 * static_cast<int>(i) * height;
    for (int view = 0; view < columns; ++view) {
      paste(rows[i][view].truth, view * width, top, sheet);
      paste(framed(rows[i][view]), view * width, top + height, sheet);
    }
  }
  return write_file_durably(path, TRY(encode_png(sheet)));
}

int wrong_ones(Row row) {
  return static_cast<int>(
      std::count_if(row, row + standard_views().size(), [](const JudgedPicture& picture) {
        return !picture.verdict.has_right_view() || !picture.verdict.has_right_character();
      }));
}

}  // namespace

Result<void> write_contact_sheets(const Trial& trial, int shown,
                                  const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return Error{Errc::io, "cannot make " + folder.string() + ": " + failed.message()};
  std::map<double, std::vector<Row>> by_scale;
  for (std::size_t i = 0; i < trial.pictures.size(); i += standard_views().size())
    by_scale[trial.pictures[i].scale].push_back(&trial.pictures[i]);
  for (auto& [scale, rows] : by_scale) {
    char name[64];
    std::snprintf(name, sizeof name, "scale-%g_", scale);
    const std::size_t count = std::min(rows.size(), static_cast<std::size_t>(shown));
    for (std::size_t first = 0; first < count; first += kCharactersASheet) {
      const auto from = rows.begin() + static_cast<std::ptrdiff_t>(first);
      const auto some = static_cast<std::ptrdiff_t>(std::min(kCharactersASheet, count - first));
      const std::string file = name + std::to_string(first / kCharactersASheet) + ".png";
      TRY(write_sheet({from, from + some}, folder / file));
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](Row a, Row b) { return wrong_ones(a) > wrong_ones(b); });
    rows.resize(std::min(rows.size(), kCharactersASheet));
    TRY(write_sheet(rows, folder / (name + std::string("worst.png"))));
  }
  return {};
}

}  // namespace pirouette::bench
