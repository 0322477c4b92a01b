// The characters of house and woods: chef and witch.

#include "deploy/characters/characters.h"
#include "deploy/characters/svg.h"

namespace pirouette::characters {
namespace {

void chef_legs(Svg& svg) {
  const std::string clog = svg.shaded("#5a5663", "#211e28");
  svg.path("M180 500 L190 660 H248 L256 560 L264 660 H322 L332 500 Z",
           svg.shaded("#eef1f5", "#b4bdc9"));
  for (int row = 0; row < 5; ++row) {
    const std::string y = std::to_string(534 + 26 * row);
    svg.line("M190 " + y + " h60 M262 " + y + " h60", "#5d6b80", 5);
  }
  svg.line("M206 528 L210 656 M230 528 V656 M282 528 V656 M306 528 L302 656", "#5d6b80", 5);
  svg.path("M180 500 L190 660 H248 L256 560 L264 660 H322 L332 500 Z", "none");
  svg.path("M186 656 h64 v26 q0 18 -22 18 h-44 q-22 0 -18 -20 q4 -16 20 -24 z", clog);
  svg.path("M326 656 h-64 v26 q0 18 22 18 h44 q22 0 18 -20 q-4 -16 -20 -24 z", clog);
}

void chef_head(Svg& svg) {
  const std::string skin = svg.round("#ffe0c4", "#eaae84");
  const std::string white = svg.shaded("#ffffff", "#ccd4df");
  svg.ellipse(180, 216, 16, 22, skin);
  svg.ellipse(332, 216, 16, 22, skin);
  svg.path("M182 170 C166 280 212 296 256 296 C300 296 346 280 330 170 Z", skin);
  svg.path("M184 196 C178 168 186 150 196 148 L202 190 Z", "#3a2a24", 3);
  svg.path("M328 196 C334 168 326 150 316 148 L310 190 Z", "#3a2a24", 3);
  svg.path(
      "M188 164 L184 104 C132 100 138 36 190 46 C204 4 268 2 284 34 C330 12 384 50 352 92 "
      "C346 102 338 104 328 104 L324 164 C290 178 222 178 188 164 Z",
      white);
  svg.line("M222 160 V112 M256 166 V108 M290 160 V112", "#aab4c2", 4);
  svg.line("M184 104 C200 112 210 104 214 92 M328 104 C312 112 300 106 298 92", kInk, 3.5);
  svg.face(256, 210, 30, "#6b4a2b");
  svg.ellipse(256, 228, 14, 11, svg.round("#ffc9a8", "#de8a68"), 3);
  svg.path(
      "M256 244 C240 228 208 236 194 256 C214 262 240 264 256 252 C272 264 298 262 318 256 "
      "C304 236 272 228 256 244 Z",
      "#33262a", 3);
  svg.line("M230 190 q-6 -10 -18 -4 M282 190 q6 -10 18 -4", "#33262a", 6);
}

}  // namespace

std::string draw_chef() {
  Svg svg;
  const std::string white = svg.shaded("#ffffff", "#c6cfdb");
  const std::string skin = svg.round("#ffe0c4", "#eaae84");
  const std::string red = svg.shaded("#f0574b", "#a81f2f");
  const std::string wood = svg.shaded("#d49a5e", "#87531f");
  chef_legs(svg);
  svg.path("M174 316 C120 340 96 400 110 452 L160 448 C156 418 168 396 190 386 Z", white);
  svg.path(
      "M182 302 C212 288 300 288 330 302 C372 380 376 470 348 536 C306 556 206 556 164 536 "
      "C136 470 140 380 182 302 Z",
      white);
  svg.line("M256 316 C262 390 262 470 256 546", "#9aa5b4", 3.5);
  for (int row = 0; row < 4; ++row) {
    const double y = 350 + 44 * row;
    svg.ellipse(230, y, 8, 8, red, 2.5);
    svg.ellipse(288, y, 8, 8, red, 2.5);
  }
  svg.path("M160 514 C210 532 302 532 352 514 L348 536 C306 556 206 556 164 536 Z", "#d8dee7");
  chef_head(svg);
  svg.path("M200 294 C230 312 282 312 312 294 L318 316 C280 334 232 334 194 316 Z", red);
  svg.path("M250 318 L226 360 L256 344 L274 366 L268 318 Z", red);
  svg.box(118, 236, 13, 226, 6, wood);
  svg.path("M92 214 C92 268 158 268 158 214 C146 226 104 226 92 214 Z", wood);
  svg.ellipse(125, 213, 33, 13, svg.shaded("#8a5a2e", "#5d3814"));
  svg.ellipse(128, 456, 25, 24, skin);
  svg.line("M112 450 h24 M112 460 h24", "#b87a56", 2.5);
  svg.path(
      "M338 316 C404 344 420 402 396 456 L310 452 L306 412 L352 410 C354 394 342 384 322 386 "
      "Z",
      white);
  svg.ellipse(304, 432, 24, 23, skin);
  svg.path("M346 406 C362 398 378 398 392 406 L398 540 C384 550 364 550 350 540 Z",
           svg.shaded("#fff3dc", "#dcc59a"));
  svg.line("M350 512 q24 10 47 0 M349 496 q24 10 47 0", "#c8433f", 5);
  return svg.text();
}

namespace {

void witch_head(Svg& svg, const std::string& cloth) {
  const std::string hair = svg.shaded("#f79a45", "#c2551c");
  svg.path("M182 190 C164 250 180 300 214 312 H300 C334 300 348 250 330 190 Z", hair);
  svg.ellipse(256, 222, 66, 66, svg.round("#ffe4cf", "#efb896"));
  svg.path("M190 216 C190 170 222 160 262 166 C246 190 218 202 190 216 Z", hair, 3);
  svg.path("M322 216 C322 176 296 162 258 166 C272 190 298 206 322 216 Z", hair, 3);
  svg.face(256, 226, 26, "#3f9a5c");
  for (const double x : {236.0, 244.0, 268.0, 276.0}) {
    svg.ellipse(x, 240 + (x == 244 || x == 268 ? 4 : 0), 1.8, 1.8, "#cf7c54", 0);
  }
  svg.path(
      "M196 176 C204 120 222 70 262 34 C282 16 326 26 346 62 C318 54 304 66 302 90 "
      "C304 120 312 150 318 176 Z",
      cloth);
  svg.path("M120 186 C150 160 360 160 392 186 C410 202 330 210 256 210 C182 210 102 202 120 186 Z",
           cloth);
  svg.path("M200 158 C230 170 286 170 314 156 L318 178 C286 192 226 192 196 180 Z",
           svg.shaded("#5a3b2a", "#2f1d14"));
  svg.box(240, 156, 34, 32, 5, svg.shaded("#ffe27a", "#c58d24"));
  svg.box(249, 164, 16, 16, 2, "#3a2519", 2.5);
  svg.line("M270 64 C258 92 250 118 246 142", "#c9a2ff", 4);
}

void witch_legs(Svg& svg) {
  for (const double x : {206.0, 266.0}) {
    svg.box(x, 560, 40, 106, 12, "#f7f2ff");
    for (int stripe = 0; stripe < 4; ++stripe) {
      svg.box(x, 580 + 22 * stripe, 40, 11, 0, "#4b9b6c", 0);
    }
    svg.box(x, 560, 40, 106, 12, "none");
  }
  const std::string shoe = svg.shaded("#5b4a6d", "#251c33");
  svg.path("M200 654 h50 v28 q0 20 -22 20 h-58 q-26 0 -34 -26 q30 10 64 -10 z", shoe);
  svg.path("M312 654 h-50 v28 q0 20 22 20 h58 q26 0 34 -26 q-30 10 -64 -10 z", shoe);
  svg.box(214, 664, 22, 18, 3, svg.shaded("#ffe27a", "#c58d24"), 3);
  svg.box(276, 664, 22, 18, 3, svg.shaded("#ffe27a", "#c58d24"), 3);
}

void witch_broom(Svg& svg) {
  svg.turn(-4, 118, 440);
  svg.box(112, 236, 12, 330, 6, svg.shaded("#c88b51", "#7a4a1e"));
  svg.path(
      "M98 560 C104 544 132 544 138 560 C154 610 160 650 164 694 C140 702 96 702 72 694 "
      "C76 650 82 610 98 560 Z",
      svg.shaded("#f1cd72", "#b07d28"));
  svg.line("M118 568 V694 M104 572 L92 692 M132 572 L144 692", "#8d6220", 3);
  svg.box(92, 556, 52, 16, 6, svg.shaded("#c0493f", "#7d1d22"));
  svg.end();
}

void witch_satchel(Svg& svg) {
  svg.line("M206 318 C250 400 310 440 344 462", kInk, 15);
  svg.line("M206 318 C250 400 310 440 344 462", "#8d5a30", 8);
  svg.turn(-5, 352, 490);
  svg.box(310, 452, 84, 74, 12, svg.shaded("#b57a45", "#6d4119"));
  svg.path("M308 452 h88 v26 q-44 34 -88 0 z", svg.shaded("#c98d55", "#83521f"));
  svg.ellipse(352, 490, 9, 9, svg.round("#ffe27a", "#c58d24"), 3);
  svg.end();
}

void witch_braid(Svg& svg) {
  const std::string hair = svg.shaded("#f79a45", "#c2551c");
  const double xs[] = {318, 326, 330, 330, 326};
  for (int i = 0; i < 5; ++i) svg.ellipse(xs[i], 296 + 25 * i, 19 - i, 18, hair);
  svg.path("M316 412 q10 -6 20 0 l8 36 q-18 10 -36 0 z", hair);
  svg.box(314, 404, 24, 12, 4, "#58b07c", 3);
}

}  // namespace

std::string draw_witch() {
  Svg svg;
  const std::string cloth = svg.shaded("#9564d8", "#47267f");
  const std::string skin = svg.round("#ffe4cf", "#efb896");
  witch_legs(svg);
  svg.path("M186 314 C146 340 122 390 118 436 L160 450 C168 412 182 390 200 376 Z", cloth);
  svg.path("M326 314 C366 340 390 390 396 436 L354 450 C346 412 332 390 314 376 Z", cloth);
  svg.path(
      "M192 304 C220 290 292 290 320 304 L312 420 C338 480 358 540 372 590 "
      "C350 610 330 588 308 602 C286 614 270 596 254 608 C234 616 220 594 200 604 "
      "C180 610 160 594 140 590 C154 540 174 480 200 420 Z",
      cloth);
  svg.line("M214 440 C204 500 194 550 190 592 M256 440 V600 M298 440 C310 500 318 550 322 590",
           "#361a66", 3.5);
  svg.box(196, 408, 120, 22, 9, svg.shaded("#58b07c", "#286444"));
  svg.path("M196 306 C220 330 292 330 316 306 L304 298 C282 314 230 314 208 298 Z",
           svg.shaded("#f7f2ff", "#c6b6e4"));
  svg.path("M240 340 l6 13 14 2 -10 10 2 14 -12 -7 -12 7 2 -14 -10 -10 14 -2 z",
           svg.shaded("#ffe27a", "#d39a28"), 3);
  witch_satchel(svg);
  svg.ellipse(378, 454, 20, 21, skin);
  witch_head(svg, cloth);
  witch_braid(svg);
  witch_broom(svg);
  svg.ellipse(130, 450, 22, 22, skin);
  svg.line("M114 446 h20 M114 455 h20", "#b87a56", 2.5);
  return svg.text();
}

}  // namespace pirouette::characters
