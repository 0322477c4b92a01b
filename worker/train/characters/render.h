#pragma once
// Draws a body from any side: flat colours in two tones with a drop of light, drawn lines, white
// ground. Pure: the same body and camera give the same bytes, on any thread.
//
// Azimuth is the farm's: 0 faces the viewer, 90 shows the character's left side and faces
// screen-left, 180 shows the back. Orthographic, so heights agree between views; a body fits the
// picture from every side at one scale, with the ground line in the same row.

#include <vector>

#include "common/image/image.h"
#include "worker/train/characters/body.h"

namespace pirouette::characters {

// For pictures that are learnt from: 5 ms each where the camera's own 4 costs 8, and looks the
// same.
inline constexpr int kQuickOversampling = 3;

struct Camera {
  double azimuth_deg = 0;
  int width = 192, height = 288;
  int oversampling = 4;  // samples a pixel, each way
  Colour ground{255, 255, 255};
  double foot_share = 0.94;  // the ground line's row, of the height
  double top_share = 0.05;   // free above the tallest body
  double side_share = 0.04;  // free at either side
  double zoom = 1;           // 1: as large as fits
  double shift_share = 0;    // to the right, of the width
};

// Fills in how far the body reaches, which render() relies on.
void measure(Body& body);

Image render(const Body& body, const Camera& camera);

// The part that each pixel's middle shows, rows first, without lines and blending.
std::vector<Part> part_map(const Body& body, const Camera& camera);

}  // namespace pirouette::characters
