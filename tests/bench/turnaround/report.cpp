#include "tests/bench/turnaround/report.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/bench/measure.h"
#include "tests/judge/tally.h"

namespace pirouette::bench {
namespace {

constexpr int kWrongToldMost = 20;

struct Tallies {
  judge::Tally all, with_notes, without_notes;
};

class Table {
 public:
  void heading(const std::string& text) { std::printf("\n%s\n", text.c_str()); }
  void row(const char* what, const std::string& value) {
    std::printf("  %-42s %-10s %s\n", what, "", value.c_str());
  }
  void wanted(const char* what, const std::string& bound, const std::string& value, bool reached) {
    std::printf("  %-42s %-10s %-26s %s\n", what, bound.c_str(), value.c_str(),
                reached ? "reached" : "MISSED");
    all_reached_ = all_reached_ && reached;
  }
  bool all_reached() const { return all_reached_; }

 private:
  bool all_reached_ = true;
};

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string percent(double share) { return formatted("%.1f %%", 100 * share); }

std::string told(const judge::Count& count) {
  return percent(count.share()) + " (" + std::to_string(count.right) + " of " +
         std::to_string(count.of) + ")";
}

void tell_details(const Tallies& tallies, Table& table) {
  const judge::Tally& all = tallies.all;
  table.row("SSIM, luma (Wang 2004), whole picture", formatted("%.4f", all.ssim()));
  table.row("PSNR, whole picture", formatted("%.2f dB", all.psnr_db()));
  table.row("PSNR, in the box around the figure", formatted("%.2f dB", all.figure_psnr_db()));
  if (tallies.without_notes.views.of > 0)
    table.row("right views, prompt without notes", told(tallies.without_notes.views));
  if (tallies.with_notes.views.of > 0)
    table.row("right views, prompt with notes", told(tallies.with_notes.views));
  for (std::size_t view = 0; view < standard_views().size(); ++view) {
    table.row(("right views, asked for " + standard_views()[view].id).c_str(),
              told(all.by_view[view]));
  }
  for (int thing = 0; thing < judge::kThings; ++thing) {
    const judge::Count& count = all.by_thing[static_cast<std::size_t>(thing)];
    const auto name = std::string(judge::name(static_cast<judge::Thing>(thing)));
    if (count.of > 0) table.row(("on the right side: " + name).c_str(), told(count));
  }
}

// All but the views.
void tell_counts(const judge::Tally& tally, Table& table) {
  table.row("right character, nearest of twenty", told(tally.characters));
  table.row("one-sided things on the right side", told(tally.sides));
}

// Right views at scale 1 of the characters that were rendered at that scale too.
judge::Count whole_views_beside(double scale, const Trial& trial) {
  std::set<std::uint64_t> seeds;
  for (const JudgedPicture& picture : trial.pictures)
    if (picture.scale == scale) seeds.insert(picture.seed);
  judge::Count views;
  for (const JudgedPicture& picture : trial.pictures)
    if (picture.scale == 1 && seeds.contains(picture.seed))
      views.add(picture.verdict.has_right_view());
  return views;
}

void tell_scale(double scale, const std::map<double, Tallies>& by_scale, const Trial& trial,
                Table& table) {
  const judge::Tally& tally = by_scale.at(scale).all;
  table.heading(scale == 0 ? "without the LoRA" : "LoRA at scale " + formatted("%g", scale));
  const judge::Count& views = tally.views;
  if (scale == 1) {
    table.wanted("right view, nearest of eight", ">= " + percent(kViewsWanted), told(views),
                 views.share() >= kViewsWanted);
    table.wanted("right character, nearest of twenty", ">= " + percent(kCharactersWanted),
                 told(tally.characters), tally.characters.share() >= kCharactersWanted);
    table.wanted("one-sided things on the right side", ">= " + percent(kSidesWanted),
                 told(tally.sides), tally.sides.share() >= kSidesWanted);
    return tell_details(by_scale.at(scale), table);
  }
  if (scale == 0) {
    table.wanted("right view, nearest of eight", "<= " + percent(kViewsWithoutMost), told(views),
                 views.share() <= kViewsWithoutMost);
  } else if (by_scale.contains(0) && by_scale.contains(1)) {
    const double least = by_scale.at(0).all.views.share();
    const double most = whole_views_beside(scale, trial).share();
    table.wanted("right view, nearest of eight", "between", told(views),
                 views.share() > least && views.share() <= most);
  } else {
    table.row("right view, nearest of eight", told(views));
  }
  tell_counts(tally, table);
  tell_details(by_scale.at(scale), table);
}

void tell_ceiling(const std::vector<JudgedPicture>& pictures, Table& table) {
  if (pictures.empty()) return;
  Tallies tallies;
  for (const JudgedPicture& picture : pictures) tallies.all.add(picture.verdict);
  table.heading("the truth, through the autoencoder alone");
  tell_counts(tallies.all, table);
  tell_details(tallies, table);
}

void tell_wrong_ones(const Trial& trial) {
  int told = 0;
  for (const JudgedPicture& picture : trial.pictures) {
    const judge::Verdict& verdict = picture.verdict;
    if (picture.scale != 1 || (verdict.has_right_view() && verdict.has_right_character())) continue;
    if (told++ == 0) std::printf("\nwrong at scale 1 (the first %d)\n", kWrongToldMost);
    if (told > kWrongToldMost) return;
    std::printf("  %llu %-13s nearest view %-13s nearest character %llu\n",
                static_cast<unsigned long long>(picture.seed),
                standard_views()[verdict.view].id.c_str(),
                standard_views()[verdict.nearest_view].id.c_str(),
                static_cast<unsigned long long>(picture.nearest_seed));
  }
}

}  // namespace

bool report(const Setup& setup, const Trial& trial) {
  std::map<double, Tallies> by_scale;
  std::vector<double> seconds;
  for (const JudgedPicture& picture : trial.pictures) {
    Tallies& tallies = by_scale[picture.scale];
    tallies.all.add(picture.verdict);
    (picture.has_notes ? tallies.with_notes : tallies.without_notes).add(picture.verdict);
    seconds.push_back(picture.seconds);
  }
  std::printf("%s, LoRA %s, %dx%d, %d steps, %d tokens, %s %s, characters from seed %llu\n",
              setup.engine.model.c_str(), setup.engine.lora.c_str(), setup.size.width,
              setup.size.height, setup.steps, setup.sequence_length, setup.engine.device.c_str(),
              setup.engine.precision().c_str(), static_cast<unsigned long long>(setup.first));
  Table table;
  for (auto scale = by_scale.rbegin(); scale != by_scale.rend(); ++scale)
    tell_scale(scale->first, by_scale, trial, table);
  tell_ceiling(trial.ceiling, table);
  tell_wrong_ones(trial);
  table.heading("time");
  table.row("a pose, median", formatted("%.4f s", median(seconds)));
  table.row("a pose, 95 of 100", formatted("%.4f s", quantile(seconds, 0.95)));
  table.row("poses a second, loading included",
            formatted("%.1f", static_cast<double>(seconds.size()) / trial.rendering_seconds) +
                " on " + std::to_string(setup.engine.threads) + " threads");
  std::printf("\n%s\n", table.all_reached() ? "All that is wanted was reached."
                                            : "Not all that is wanted was reached.");
  return table.all_reached();
}

Result<void> write_json_lines(const Trial& trial, const std::filesystem::path& path) {
  std::ofstream out(path);
  for (const JudgedPicture& picture : trial.pictures) {
    const judge::Verdict& verdict = picture.verdict;
    nlohmann::ordered_json sides = nlohmann::ordered_json::object();
    for (const judge::SideVerdict& side : verdict.sides)
      sides[std::string(judge::name(side.thing))] = side.is_right;
    const nlohmann::ordered_json line = {
        {"scale", picture.scale},
        {"character", picture.seed},
        {"notes", picture.has_notes},
        {"view", standard_views()[verdict.view].id},
        {"nearest_view", standard_views()[verdict.nearest_view].id},
        {"nearest_character", picture.nearest_seed},
        {"ssim", verdict.ssim},
        {"psnr_db", verdict.psnr_db},
        {"figure_psnr_db", verdict.figure_psnr_db},
        {"sides", sides},
        {"seconds", picture.seconds}};
    out << line.dump() << '\n';
  }
  if (out.flush()) return {};
  return Error{Errc::io, "cannot write " + path.string()};
}

}  // namespace pirouette::bench
