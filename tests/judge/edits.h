#pragma once
// Whether a picture is what an edit asked for, against the two true pictures: before it and after
// it. Pure.

#include <vector>

#include "common/image/image.h"

namespace pirouette::judge {

// Where before and after visibly differ (difference_mask.h), and where they do not, in softened
// pictures (nearness.h).
struct EditVerdict {
  bool is_followed = false;  // where they differ, the picture is nearer to after
  double share_of_way = 0;   // so far it has come there: 0 is before, 1 is after; may be negative
  double rest_psnr_db = 0;   // where they do not differ
  double ssim = 0, psnr_db = 0;  // of the whole picture and after
};

// All of one size, RGB. Where before and after differ nowhere, nothing is followed.
EditVerdict judge_edit(const Image& before, const Image& after, const Image& picture);

// Which of some true pictures is the nearest, softened, by mean squared difference; the first of
// several that are as near. At least one.
std::size_t nearest(const std::vector<Image>& truths, const Image& picture);

}  // namespace pirouette::judge
