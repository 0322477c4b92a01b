#include "worker/train/folder_dataset.h"

#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>
#include <utility>

#include "common/files.h"
#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kRowsFile = "metadata.jsonl";
constexpr std::size_t kRowsMaxBytes = 256u << 20;
constexpr std::size_t kPictureMaxBytes = 64u << 20;  // what the farm takes for a reference

struct Row {
  fs::path reference, target;
  std::string prompt;
  std::string place;  // for errors: "…/metadata.jsonl line 3"
};

Result<Image> load_picture(const fs::path& path, const std::string& place) {
  auto picture = decode_png(TRY(read_file(path, kPictureMaxBytes)));
  if (picture.ok()) return flatten_on_white(picture.value());
  return std::move(picture).error().with(place + ": " + path.string() +
                                         " cannot be read as a PNG picture");
}

class FolderDataset : public Dataset {
 public:
  FolderDataset(std::vector<Row> rows, std::uint64_t seed) : rows_(std::move(rows)), seed_(seed) {}

  Result<Example> at(std::uint64_t index, Rng&) const override {
    const Row& row = rows_[row_of(index)];
    return Example{TRY(load_picture(row.reference, row.place)),
                   TRY(load_picture(row.target, row.place)), row.prompt};
  }

  std::vector<std::string> prompts() const override {
    std::set<std::string> prompts;
    for (const Row& row : rows_) prompts.insert(row.prompt);
    return {prompts.begin(), prompts.end()};
  }

 private:
  // Fisher and Yates' shuffle of the epoch that index lies in.
  std::size_t row_of(std::uint64_t index) const {
    std::vector<std::size_t> order(rows_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    Rng rng(seed_of(seed_, Draw::order, index / rows_.size()));
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    return order[index % rows_.size()];
  }

  std::vector<Row> rows_;
  std::uint64_t seed_;
};

class RowReader {
 public:
  RowReader(const json& row, const fs::path& folder, std::string place)
      : row_(row), folder_(folder), place_(std::move(place)) {}

  Result<std::string> text(const std::string& column) const {
    const auto found = row_.find(column);
    if (found == row_.end() || !found->is_string())
      return Error{Errc::invalid, place_ + " has no text \"" + column + "\""};
    return found->get<std::string>();
  }
  Result<fs::path> picture(const std::string& column) const {
    const fs::path path = folder_ / TRY(text(column));
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored))
      return Error{Errc::not_found,
                   place_ + ": its " + column + " " + path.string() + " is not there"};
    return path;
  }
  bool has(const std::string& column) const { return row_.contains(column); }

 private:
  const json& row_;
  const fs::path& folder_;
  std::string place_;
};

Result<Row> read_row(const std::string& line, const fs::path& folder, const Columns& columns,
                     const std::string& place) {
  const json written = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!written.is_object()) return Error{Errc::corrupt, place + " is not a JSON object"};
  const RowReader row(written, folder, place);
  const bool imagefolder = !row.has(columns.target) && row.has("file_name");
  return Row{TRY(row.picture(columns.reference)),
             TRY(row.picture(imagefolder ? "file_name" : columns.target)),
             TRY(row.text(columns.prompt)), place};
}

}  // namespace

Result<std::unique_ptr<Dataset>> open_folder(const fs::path& folder, const Columns& columns,
                                             std::uint64_t seed) {
  const fs::path file = folder / kRowsFile;
  std::error_code ignored;
  if (!fs::exists(file, ignored))
    return Error{Errc::not_found,
                 file.string() +
                     " is not there: write one line of JSON for each row, with "
                     "\"reference\", \"prompt\" and \"target\" (docs/training.md)"};
  const auto bytes = TRY(read_file(file, kRowsMaxBytes));
  std::istringstream lines(std::string(bytes.begin(), bytes.end()));
  std::vector<Row> rows;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string place = file.string() + " line " + std::to_string(number);
    rows.push_back(TRY(read_row(line, folder, columns, place)));
  }
  if (rows.empty()) return Error{Errc::invalid, file.string() + " has no rows"};
  std::unique_ptr<Dataset> dataset = std::make_unique<FolderDataset>(std::move(rows), seed);
  return dataset;
}

}  // namespace pirouette::train
