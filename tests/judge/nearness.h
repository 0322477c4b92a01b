#pragma once
// How near two pictures of one size are, in three usual measures. Pure.

#include <cstdint>
#include <vector>

#include "common/image/image.h"

namespace pirouette::judge {

// Blurred by a gaussian of one pixel at a width of 192, wider in proportion: lines that are a pixel
// off count little, what is elsewhere counts in full.
Image softened(const Image& image);

// Of all channels, 0 to 65,025.
double mean_squared_difference(const Image& a, const Image& b);

// In decibels, of 255; at most kPsnrMaxDb, which two equal pictures have.
inline constexpr double kPsnrMaxDb = 100;
double psnr_db(double mean_squared_difference);

// Structural similarity as Wang, Bovik, Sheikh and Simoncelli define it (2004): luma (Rec. 601),
// windows of 11 x 11 weighted by a gaussian of 1.5, K1 = 0.01, K2 = 0.03, the mean over all
// windows that lie in the picture, no scaling before. 1: equal.
double ssim(const Image& a, const Image& b);

}  // namespace pirouette::judge
