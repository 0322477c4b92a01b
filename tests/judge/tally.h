#pragma once
// Verdicts counted together, as shares.

#include <array>

#include "tests/judge/panel.h"

namespace pirouette::judge {

struct Count {
  int right = 0, of = 0;
  void add(bool is_right) {
    right += is_right ? 1 : 0;
    ++of;
  }
  double share() const { return of > 0 ? static_cast<double>(right) / of : 0; }
};

struct Tally {
  Count views, characters, sides;
  std::array<Count, 8> by_view;  // right views, by the view that was asked for
  std::array<Count, kThings> by_thing;
  double ssim_sum = 0, psnr_sum = 0, figure_psnr_sum = 0;

  void add(const Verdict& verdict) {
    views.add(verdict.has_right_view());
    characters.add(verdict.has_right_character());
    by_view.at(verdict.view).add(verdict.has_right_view());
    for (const SideVerdict& side : verdict.sides) {
      sides.add(side.is_right);
      by_thing.at(static_cast<std::size_t>(side.thing)).add(side.is_right);
    }
    ssim_sum += verdict.ssim;
    psnr_sum += verdict.psnr_db;
    figure_psnr_sum += verdict.figure_psnr_db;
  }
  double ssim() const { return mean(ssim_sum); }
  double psnr_db() const { return mean(psnr_sum); }
  double figure_psnr_db() const { return mean(figure_psnr_sum); }

 private:
  double mean(double sum) const { return views.of > 0 ? sum / views.of : 0; }
};

}  // namespace pirouette::judge
