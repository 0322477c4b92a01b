#include "tests/bench/edits/report.h"

#include <cstdio>
#include <string>

namespace pirouette::bench {
namespace {

struct Sums {
  int count = 0, changing = 0, followed = 0, right_views = 0;
  double way = 0, ssim = 0, psnr = 0, rest = 0;

  void add(const JudgedEdit& edit) {
    ++count;
    right_views += edit.has_right_view ? 1 : 0;
    ssim += edit.verdict.ssim;
    psnr += edit.verdict.psnr_db;
    rest += edit.verdict.rest_psnr_db;
    if (edit.kind == train::EditKind::keep) return;
    ++changing;
    followed += edit.verdict.is_followed ? 1 : 0;
    way += edit.verdict.share_of_way;
  }
};

std::string percent(double sum, int of) {
  if (of == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", 100 * sum / of);
  return text;
}

void tell(std::string_view what, const Sums& sums) {
  const double count = sums.count;
  std::printf("  %-16.*s %6d %12s %12s %12s %8.3f %8.1f %8.1f\n", static_cast<int>(what.size()),
              what.data(), sums.count, percent(sums.followed, sums.changing).c_str(),
              percent(sums.way, sums.changing).c_str(),
              percent(sums.right_views, sums.count).c_str(), sums.ssim / count, sums.psnr / count,
              sums.rest / count);
}

}  // namespace

void report(const EditSetup& setup, const std::vector<JudgedEdit>& edits) {
  std::printf("%s, %dx%d, %d steps, %s %s, characters from seed %llu, without a LoRA\n",
              setup.engine.model.c_str(), setup.size.width, setup.size.height, setup.steps,
              setup.engine.device.c_str(), setup.engine.precision().c_str(),
              static_cast<unsigned long long>(setup.first));
  std::printf("  %-16s %6s %12s %12s %12s %8s %8s %8s\n", "edit", "count", "followed, %",
              "of way, %", "view kept, %", "SSIM", "PSNR, dB", "rest, dB");
  Sums all;
  for (int kind = 0; kind < train::kEditKinds; ++kind) {
    Sums sums;
    for (const JudgedEdit& edit : edits) {
      if (edit.kind != static_cast<train::EditKind>(kind)) continue;
      sums.add(edit);
      all.add(edit);
    }
    if (sums.count > 0) tell(name(static_cast<train::EditKind>(kind)), sums);
  }
  tell("all", all);
}

}  // namespace pirouette::bench
