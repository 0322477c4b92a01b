// The characters of metal and machines: astronaut and robot.

#include "deploy/characters/characters.h"
#include "deploy/characters/svg.h"

namespace pirouette::characters {
namespace {

void astronaut_body(Svg& svg, const std::string& white, const std::string& orange) {
  const std::string boot = svg.shaded("#a7b0bc", "#555d6a");
  svg.path("M190 480 L182 650 H250 L256 556 L262 650 H330 L322 480 Z", white);
  svg.line("M188 566 q30 12 62 0 M262 566 q30 12 62 0", "#9aa5b4", 4);
  svg.path("M186 592 h64 l-1 18 h-64 z", orange, 3);
  svg.path("M326 592 h-64 l1 18 h64 z", orange, 3);
  svg.path("M178 640 h76 v40 q0 22 -24 22 h-46 q-26 0 -24 -22 q2 -20 18 -24 z", boot);
  svg.path("M334 640 h-76 v40 q0 22 24 22 h46 q26 0 24 -22 q-2 -20 -18 -24 z", boot);
  svg.line("M162 688 h92 M258 688 h92", "#3b414b", 5);
  svg.path("M178 318 C124 344 100 410 110 470 L162 472 C160 434 172 410 196 394 Z", white);
  svg.path("M334 318 C388 344 412 410 402 470 L350 472 C352 434 340 410 316 394 Z", white);
  svg.path("M111 428 l50 4 l1 18 l-52 -2 z", orange, 3);
  svg.path("M401 428 l-50 4 l-1 18 l52 -2 z", orange, 3);
  svg.path(
      "M180 306 C210 288 302 288 332 306 C342 380 340 450 328 504 C290 520 222 520 184 504 "
      "C172 450 170 380 180 306 Z",
      white);
  svg.box(108, 462, 56, 14, 6, svg.shaded("#8e98a6", "#4d5561"));
  svg.box(348, 462, 56, 14, 6, svg.shaded("#8e98a6", "#4d5561"));
  svg.ellipse(136, 494, 27, 25, svg.shaded("#c4ccd6", "#79838f"));
  svg.ellipse(376, 494, 27, 25, svg.shaded("#c4ccd6", "#79838f"));
  svg.path("M160 490 q14 6 8 20 q-10 4 -18 -4 z", "#a3adb8", 3);
  svg.path("M352 490 q-14 6 -8 20 q10 4 18 -4 z", "#a3adb8", 3);
}

void astronaut_helmet(Svg& svg, const std::string& white) {
  svg.ellipse(256, 190, 112, 108, white);
  svg.ellipse(256, 204, 84, 78, svg.shaded("#39465c", "#1a2130"));
  svg.path("M196 190 C188 150 220 130 262 132 C306 134 326 160 316 196 Z",
           svg.shaded("#7a4526", "#40210f"), 3);
  svg.ellipse(256, 212, 58, 56, svg.round("#f3c69f", "#c98a5e"));
  svg.path("M198 204 C204 166 234 156 268 162 C256 184 228 190 198 204 Z", "#5a3018", 3);
  svg.path("M314 204 C312 172 290 160 262 162 C276 182 296 190 314 204 Z", "#5a3018", 3);
  svg.face(256, 212, 23, "#4a6b2f");
  for (const double x : {238.0, 245.0, 267.0, 274.0}) {
    svg.ellipse(x, 226 + (x == 245 || x == 267 ? 3 : 0), 1.8, 1.8, "#93552f", 0);
  }
  svg.path("M152 160 C162 92 208 72 256 72 C304 72 350 92 360 160 C318 138 194 138 152 160 Z",
           svg.shaded("#ffe38a", "#c07a1c"));
  svg.glaze("M182 128 C196 104 220 94 244 92 C222 106 206 120 200 136 Z", "#ffffff", 0.8);
  svg.ellipse(146, 196, 14, 30, svg.shaded("#f58a3c", "#b3501a"));
  svg.ellipse(366, 196, 14, 30, svg.shaded("#f58a3c", "#b3501a"));
  svg.path("M176 284 C210 310 302 310 336 284 L340 306 C300 332 212 332 172 306 Z",
           svg.shaded("#b5bec9", "#626b78"));
}

void astronaut_controls(Svg& svg) {
  svg.line("M214 396 C186 404 172 376 178 340 M298 396 C326 404 340 376 334 340", kInk, 15);
  svg.line("M214 396 C186 404 172 376 178 340 M298 396 C326 404 340 376 334 340", "#8794a5", 8);
  svg.box(204, 358, 104, 84, 12, svg.shaded("#d4dbe4", "#8792a1"));
  svg.box(216, 370, 46, 28, 5, svg.shaded("#8be0c0", "#2d7d6b"), 3);
  svg.line("M220 388 l9 -8 8 8 9 -12 12 8", "#0f3b33", 2.5);
  svg.ellipse(286, 384, 14, 14, svg.round("#ff8a70", "#b3261f"), 3);
  for (const double x : {222.0, 242.0, 262.0}) svg.box(x, 410, 13, 18, 4, "#f5b23c", 2.5);
  svg.box(282, 408, 13, 22, 4, "#4a86d8", 2.5);
}

}  // namespace

std::string draw_astronaut() {
  Svg svg;
  const std::string white = svg.shaded("#ffffff", "#bcc7d6");
  const std::string orange = svg.shaded("#ff9a48", "#d0601b");
  svg.box(150, 252, 212, 216, 30, svg.shaded("#9ba6b5", "#545e6d"));
  astronaut_body(svg, white, orange);
  svg.line("M184 476 C226 492 286 492 328 476", kInk, 17);
  svg.line("M184 476 C226 492 286 492 328 476", "#f08a3a", 10);
  astronaut_controls(svg);
  astronaut_helmet(svg, white);
  svg.ellipse(362, 362, 24, 25, svg.round("#5b9be8", "#1d4490"));
  svg.path("M362 344 l5 13 14 1 -11 9 4 14 -12 -8 -12 8 4 -14 -11 -9 14 -1 z", "#ffffff", 0);
  svg.line("M344 374 C356 360 370 356 382 358", "#ffb347", 3.5);
  return svg.text();
}

namespace {

void robot_arms(Svg& svg, const std::string& teal, const std::string& grey) {
  const std::string right = "M166 330 C120 356 108 396 118 440";
  const std::string left = "M346 330 C392 356 404 396 394 440";
  for (const std::string& arm : {right, left}) {
    svg.line(arm, kInk, 40);
    svg.line(arm, "#8a96a5", 32);
  }
  svg.line("M140 344 l22 24 M120 366 l30 16 M108 394 l32 6 M106 420 l32 -2", kInk, 3.5);
  svg.line("M372 344 l-22 24 M392 366 l-30 16 M404 394 l-32 6 M406 420 l-32 -2", kInk, 3.5);
  svg.box(92, 432, 54, 48, 14, teal);
  svg.box(366, 432, 54, 48, 14, teal);
  for (const double x : {92.0, 110.0, 128.0}) svg.box(x, 476, 16, 34, 8, grey, 3.5);
  svg.box(144, 462, 16, 32, 8, grey, 3.5);
  svg.path("M380 476 C352 492 350 530 372 546 L382 532 C374 522 376 508 390 500 Z", grey);
  svg.path("M406 476 C434 492 436 530 414 546 L404 532 C412 522 410 508 396 500 Z", grey);
  svg.ellipse(393, 486, 12, 12, svg.round("#ffffff", "#78828f"), 3);
}

void robot_head(Svg& svg, const std::string& teal, const std::string& grey) {
  svg.box(228, 262, 56, 36, 6, grey);
  svg.line("M230 276 h52 M230 286 h52", kInk, 3);
  svg.line("M194 112 C190 88 184 76 176 62", kInk, 8);
  svg.ellipse(174, 54, 15, 15, svg.round("#ff9c85", "#c32e23"));
  svg.box(142, 164, 24, 62, 10, grey);
  svg.box(346, 164, 24, 62, 10, grey);
  svg.box(158, 108, 196, 162, 34, teal);
  svg.box(178, 134, 156, 112, 26, svg.shaded("#3b4a5c", "#19212c"));
  for (const double x : {220.0, 292.0}) {
    svg.ellipse(x, 180, 26, 26, svg.round("#fff3a0", "#f0a81f"));
    svg.ellipse(x + 2, 182, 10, 12, kInk, 0);
    svg.ellipse(x - 3, 176, 4.5, 5.5, "#ffffff", 0);
  }
  svg.line("M226 220 Q256 240 286 220", "#8be0c0", 6);
  svg.glaze("M172 150 C174 128 186 120 208 120 C192 128 184 138 182 156 Z", "#ffffff", 0.6);
}

void robot_legs(Svg& svg, const std::string& teal, const std::string& grey) {
  for (const double x : {204.0, 264.0}) {
    svg.box(x, 500, 44, 130, 14, grey);
    for (int ring = 0; ring < 4; ++ring) {
      const std::string at = std::to_string(x + 4) + " " + std::to_string(526 + 24 * ring);
      svg.line("M" + at + " h36", kInk, 3);
    }
  }
  svg.path("M148 702 C142 646 176 622 214 622 C240 622 254 640 254 702 Z", teal);
  svg.path("M364 702 C370 646 336 622 298 622 C272 622 258 640 258 702 Z", teal);
  svg.line("M150 686 h104 M258 686 h104", "#145b5c", 5);
}

void robot_chest(Svg& svg) {
  svg.ellipse(226, 384, 38, 38, svg.round("#fffdf2", "#d9cfae"));
  svg.line("M200 398 A28 28 0 0 1 206 364", "#58b07c", 6);
  svg.line("M212 359 A28 28 0 0 1 242 360", "#f0b23c", 6);
  svg.line("M248 366 A28 28 0 0 1 252 396", "#d9493f", 6);
  svg.line("M226 388 L240 366", kInk, 4);
  svg.ellipse(226, 388, 5, 5, kInk, 0);
  const std::string_view lamps[] = {"#d9493f", "#f0b23c", "#58b07c"};
  for (int i = 0; i < 3; ++i) svg.ellipse(298, 356 + 28 * i, 10, 10, lamps[i], 3);
  svg.box(196, 446, 120, 30, 8, svg.shaded("#54606f", "#2a323d"), 3.5);
  svg.line("M212 452 v18 M228 452 v18 M244 452 v18 M260 452 v18 M276 452 v18 M292 452 v18",
           "#8a96a5", 4);
}

}  // namespace

std::string draw_robot() {
  Svg svg;
  const std::string teal = svg.shaded("#6fd6cf", "#1f7f80");
  const std::string grey = svg.shaded("#dfe5ec", "#808c9a");
  robot_legs(svg, teal, grey);
  robot_arms(svg, teal, grey);
  svg.path(
      "M170 296 C200 284 312 284 342 296 C356 360 352 440 334 506 C300 520 212 520 178 506 "
      "C160 440 156 360 170 296 Z",
      teal);
  svg.glaze(
      "M300 292 C320 292 334 294 342 296 C356 360 352 440 334 506 L300 512 C318 440 320 360 "
      "300 292 Z",
      "#062f33", 0.2);
  robot_chest(svg);
  robot_head(svg, teal, grey);
  svg.ellipse(156, 322, 32, 32, grey);
  svg.path("M316 318 C322 278 384 276 400 330 C402 344 394 352 382 350 C362 334 336 332 316 338 Z",
           svg.shaded("#ffa552", "#c85a17"));
  for (const double x : {340.0, 372.0}) svg.ellipse(x, 312, 5, 5, "#fff0dc", 2.5);
  return svg.text();
}

}  // namespace pirouette::characters
