// The characters who carry arms: knight and diver.

#include "deploy/characters/characters.h"
#include "deploy/characters/svg.h"

namespace pirouette::characters {
namespace {

void knight_legs(Svg& svg, const std::string& steel) {
  const std::string boot = svg.shaded("#9a6238", "#5d3719");
  for (const double x : {206.0, 264.0}) {
    svg.box(x, 520, 46, 120, 16, steel);
    svg.ellipse(x + 23, 574, 25, 19, steel);
    svg.line("M" + std::to_string(x + 9) + " 574 h28", kInk, 2.5);
  }
  svg.path("M202 628 h54 v50 q2 22 -22 22 h-46 q-16 0 -12 -16 q4 -14 26 -18 z", boot);
  svg.path("M310 628 h-54 v50 q-2 22 22 22 h46 q16 0 12 -16 q-4 -14 -26 -18 z", boot);
  svg.line("M204 646 h50 M258 646 h50", "#3d2412", 3);
}

void knight_head(Svg& svg, const std::string& steel) {
  const std::string plume = svg.shaded("#f2604f", "#a51f2d");
  svg.path(
      "M258 112 C222 80 240 34 290 28 C352 22 396 60 386 120 C376 92 346 78 318 84 "
      "C300 88 282 98 270 116 Z",
      plume);
  svg.line("M276 92 C292 62 326 52 352 62 M300 50 C326 42 352 50 366 72", "#ffb3a3", 3);
  svg.path(
      "M176 196 C170 112 216 84 256 84 C296 84 342 112 336 196 C336 238 312 268 256 270 "
      "C200 268 176 238 176 196 Z",
      steel);
  svg.ellipse(256, 200, 60, 56, svg.round("#ffe2c6", "#eab58c"));
  svg.path(
      "M194 186 C198 140 228 128 256 128 C284 128 314 140 318 186 L304 172 C290 162 222 162 "
      "208 172 Z",
      steel);
  svg.path("M222 172 q10 -18 34 -14 q26 -4 34 14 q-16 -8 -34 -4 q-18 -4 -34 4 z", "#8a5527", 0);
  svg.face(256, 196, 24, "#3d7fc2");
  svg.line("M256 86 V130", kInk, 3);
  for (const double x : {190.0, 322.0}) svg.ellipse(x, 206, 7, 7, "#e8c35a", 3);
  svg.glaze("M200 140 C212 112 230 102 246 100 C226 112 214 128 208 148 Z", "#ffffff", 0.75);
}

void knight_sword(Svg& svg) {
  svg.turn(9, 138, 446);
  svg.path("M129 440 V226 L138 200 L147 226 V440 Z", svg.shaded("#f4f8fb", "#9fb0bf"));
  svg.line("M138 222 V436", "#8797a6", 2.5);
  svg.box(108, 436, 60, 14, 7, svg.shaded("#f7d774", "#b8862c"));
  svg.box(131, 450, 14, 46, 6, "#6b3f22");
  svg.ellipse(138, 502, 11, 11, svg.round("#f7d774", "#b8862c"));
  svg.end();
}

void knight_shield(Svg& svg) {
  svg.ellipse(382, 436, 76, 76, svg.shaded("#d8e0e8", "#7f8d9c"));
  svg.ellipse(382, 436, 62, 62, svg.round("#d79b5b", "#8d5527"));
  svg.line("M340 391 V481 M361 378 V494 M403 378 V494 M424 391 V481", "#7b4a22", 2.5);
  svg.path("M371 376 h22 v49 h49 v22 h-49 v49 h-22 v-49 h-49 v-22 h49 z",
           svg.shaded("#e8584a", "#a51f2d"), 3);
  svg.ellipse(382, 436, 17, 17, svg.round("#ffffff", "#8794a3"));
}

}  // namespace

std::string draw_knight() {
  Svg svg;
  const std::string steel = svg.shaded("#eef3f8", "#8493a4");
  const std::string cape = svg.shaded("#d8413f", "#7f1526");
  const std::string cloth = svg.shaded("#4f86d9", "#28458f");
  svg.path(
      "M196 280 C150 380 138 520 128 652 C170 632 190 662 222 644 C250 664 274 664 296 644 "
      "C326 662 350 632 388 652 C376 520 362 380 316 280 Z",
      cape);
  svg.line("M170 420 C160 500 156 570 152 630 M346 500 C352 560 356 600 360 632", "#6d1020", 3.5);
  knight_legs(svg, steel);
  svg.path("M160 308 C134 340 126 390 130 436 L172 440 C172 398 180 368 196 348 Z", steel);
  svg.path("M352 308 C380 340 386 390 384 436 L340 440 C340 398 332 368 316 348 Z", steel);
  svg.path("M186 290 C214 272 298 272 326 290 L322 452 C300 466 212 466 190 452 Z", steel);
  svg.path(
      "M204 286 C226 276 286 276 308 286 L306 440 L326 552 C296 540 216 540 186 552 L206 440 "
      "Z",
      cloth);
  svg.glaze("M278 282 L308 286 L306 440 L326 552 L284 543 Z", "#101c50", 0.18);
  svg.box(198, 430, 116, 20, 8, svg.shaded("#8d5a30", "#543016"));
  svg.box(242, 426, 30, 28, 6, svg.shaded("#f7d774", "#b8862c"));
  svg.path("M256 318 l12 28 30 3 -23 20 7 30 -26 -16 -26 16 7 -30 -23 -20 30 -3 z",
           svg.shaded("#ffe27a", "#d39a28"), 3);
  for (const double x : {172.0, 340.0}) {
    svg.ellipse(x, 308, 38, 32, steel);
    svg.line("M" + std::to_string(x - 30) + " 318 q30 22 60 0", kInk, 3);
  }
  knight_head(svg, steel);
  knight_sword(svg);
  svg.ellipse(148, 462, 25, 23, steel);
  svg.line("M132 456 h26 M134 466 h26", kInk, 2.5);
  knight_shield(svg);
  return svg.text();
}

namespace {

void diver_suit(Svg& svg, const std::string& canvas) {
  const std::string boot = svg.shaded("#8d6a45", "#4a3320");
  svg.path("M196 470 L190 640 H250 L256 540 L262 640 H322 L316 470 Z", canvas);
  svg.line("M196 560 q26 10 52 0 M264 560 q26 10 52 0 M194 596 q26 10 54 0 M264 596 q28 10 54 0",
           "#8d7a55", 3);
  svg.path("M182 626 h74 v52 q0 24 -24 24 h-46 q-24 0 -22 -20 q2 -16 20 -20 z", boot);
  svg.path("M330 626 h-74 v52 q0 24 24 24 h46 q24 0 22 -20 q-2 -16 -20 -20 z", boot);
  svg.path("M166 682 q-2 22 20 22 h48 q20 0 22 -20 z", svg.shaded("#a3abb5", "#5d6570"));
  svg.path("M346 682 q2 22 -20 22 h-48 q-20 0 -22 -20 z", svg.shaded("#a3abb5", "#5d6570"));
  svg.line("M186 646 h66 M260 646 h66", "#e0c083", 5);
  svg.path("M176 318 C130 350 112 410 116 466 L166 472 C166 430 176 400 194 380 Z", canvas);
  svg.path("M336 318 C382 350 400 410 396 466 L346 472 C346 430 336 400 318 380 Z", canvas);
  svg.line(
      "M126 412 q24 14 46 6 M386 412 q-24 14 -46 6 M120 440 q24 12 46 6 M392 440 q-24 12 -46 6",
      "#8d7a55", 3);
  svg.path("M182 306 C210 290 302 290 330 306 L328 490 C300 506 212 506 184 490 Z", canvas);
  svg.ellipse(141, 484, 27, 25, svg.shaded("#b9764a", "#70401f"));
  svg.ellipse(371, 484, 27, 25, svg.shaded("#b9764a", "#70401f"));
  svg.box(112, 456, 58, 14, 6, svg.shaded("#c98d5c", "#7c4a26"));
  svg.box(342, 456, 58, 14, 6, svg.shaded("#c98d5c", "#7c4a26"));
}

void diver_helmet(Svg& svg, const std::string& copper, const std::string& brass) {
  svg.line("M178 150 C120 120 84 180 104 250 C122 312 66 340 70 400", kInk, 21);
  svg.line("M178 150 C120 120 84 180 104 250 C122 312 66 340 70 400", "#c9543e", 13);
  svg.line("M178 150 C120 120 84 180 104 250 C122 312 66 340 70 400", "#e88b72", 4);
  svg.path("M156 326 C160 276 200 262 256 262 C312 262 352 276 356 326 C330 352 182 352 156 326 Z",
           copper);
  for (const double x : {184.0, 220.0, 256.0, 292.0, 328.0}) {
    svg.ellipse(x, 322 + (x == 256 ? 6 : x == 220 || x == 292 ? 4 : 0), 7, 7, brass, 2.5);
  }
  svg.ellipse(256, 178, 102, 104, copper);
  svg.ellipse(256, 86, 24, 14, brass);
  svg.ellipse(256, 188, 70, 70, brass);
  svg.ellipse(256, 188, 55, 55, svg.round("#d9f2f4", "#6fa9b8"));
  svg.ellipse(256, 194, 44, 44, svg.round("#f7d3b0", "#dba377"), 0);
  svg.path("M218 212 C226 262 286 262 294 212 C282 232 230 232 218 212 Z", "#d8d4cd", 2.5);
  svg.face(256, 184, 19, "#356f5d");
  svg.ellipse(256, 188, 55, 55, "none");
  svg.glaze("M212 178 C216 152 234 140 252 138 C236 150 226 164 222 184 Z", "#ffffff", 0.8);
  for (int i = 0; i < 8; ++i) {
    svg.turn(22.5 + 45 * i, 256, 188);
    svg.ellipse(256, 125, 5, 5, copper, 2);
    svg.end();
  }
  svg.ellipse(350, 176, 14, 30, brass);
  svg.ellipse(352, 176, 7, 20, svg.round("#d9f2f4", "#6fa9b8"), 2.5);
  svg.ellipse(168, 154, 14, 18, brass);
  svg.glaze("M180 132 C194 104 216 92 236 90 C212 106 200 122 192 144 Z", "#ffffff", 0.6);
}

}  // namespace

std::string draw_diver() {
  Svg svg;
  const std::string canvas = svg.shaded("#e2d2a4", "#a58d58");
  const std::string copper = svg.round("#f3b07a", "#96511f");
  const std::string brass = svg.shaded("#ffe08a", "#b5842b");
  svg.path("M96 196 L107 168 L118 196 L112 196 V640 H102 V196 Z", svg.shaded("#aeb8c2", "#5e6872"));
  svg.path("M107 156 L94 206 L107 198 L120 206 Z", svg.shaded("#eef3f7", "#8896a3"));
  diver_suit(svg, canvas);
  svg.box(182, 448, 148, 28, 8, svg.shaded("#70573c", "#3c2c1c"));
  for (const double x : {192.0, 226.0, 284.0}) {
    svg.box(x, 444, 28, 36, 5, svg.shaded("#aab2bc", "#5f6772"));
  }
  svg.box(318, 452, 18, 24, 5, "#4a2f1b");
  svg.path("M316 474 h22 l-3 58 l-8 14 l-8 -14 z", svg.shaded("#8d5a30", "#4a2c14"));
  diver_helmet(svg, copper, brass);
  svg.ellipse(256, 388, 26, 30, brass);
  svg.line("M256 370 V402 M244 392 Q256 414 268 392 M248 376 H264", kInk, 3.5);
  svg.path("M84 474 q22 -14 46 0 v20 q-22 14 -46 0 z", svg.shaded("#c27d50", "#774523"));
  svg.line("M88 482 h40 M88 490 h40", kInk, 2.5);
  return svg.text();
}

}  // namespace pirouette::characters
