// See swatches.h. Chosen by eye: saturated, none as dark as the ink.

#include "worker/train/characters/swatches.h"

#include <array>
#include <cmath>

#include "common/result.h"

namespace pirouette::characters {
namespace {

constexpr std::array<Swatch, 30> kCloths = {{
    {"crimson", {206, 52, 66}},      {"scarlet", {236, 92, 70}},  {"rust", {186, 88, 50}},
    {"orange", {243, 146, 58}},      {"amber", {246, 183, 60}},   {"yellow", {250, 217, 88}},
    {"olive", {138, 148, 70}},       {"lime", {164, 208, 84}},    {"green", {72, 168, 98}},
    {"forest green", {50, 112, 84}}, {"teal", {46, 160, 154}},    {"turquoise", {104, 208, 200}},
    {"sky blue", {126, 190, 240}},   {"blue", {70, 126, 214}},    {"navy", {58, 78, 138}},
    {"indigo", {92, 84, 178}},       {"purple", {136, 88, 200}},  {"lilac", {178, 150, 232}},
    {"magenta", {204, 82, 160}},     {"pink", {246, 158, 188}},   {"rose", {232, 112, 140}},
    {"brown", {148, 98, 62}},        {"tan", {208, 170, 116}},    {"cream", {247, 236, 208}},
    {"white", {247, 248, 252}},      {"silver", {196, 206, 218}}, {"grey", {140, 148, 164}},
    {"charcoal", {84, 90, 108}},     {"black", {64, 62, 78}},     {"mint", {176, 228, 196}},
}};
constexpr std::array<Swatch, 7> kSkins = {{
    {"porcelain", {255, 230, 212}},
    {"peach", {252, 211, 174}},
    {"honey", {236, 186, 138}},
    {"tan", {218, 160, 112}},
    {"bronze", {190, 128, 84}},
    {"umber", {146, 94, 62}},
    {"deep brown", {108, 70, 52}},
}};
constexpr std::array<Swatch, 14> kHairs = {{
    {"black", {62, 56, 70}},
    {"dark brown", {92, 62, 50}},
    {"chestnut", {134, 84, 52}},
    {"auburn", {174, 82, 48}},
    {"ginger", {236, 138, 60}},
    {"blond", {246, 208, 110}},
    {"platinum", {248, 234, 200}},
    {"white", {238, 241, 246}},
    {"grey", {162, 168, 182}},
    {"pink", {246, 142, 180}},
    {"blue", {88, 140, 226}},
    {"teal", {60, 172, 166}},
    {"purple", {146, 100, 206}},
    {"green", {104, 182, 106}},
}};
constexpr std::array<Swatch, 8> kFurs = {{
    {"orange", {240, 150, 74}},
    {"brown", {156, 108, 74}},
    {"grey", {164, 170, 184}},
    {"cream", {246, 228, 192}},
    {"white", {244, 246, 250}},
    {"black", {88, 86, 102}},
    {"golden", {236, 188, 96}},
    {"russet", {200, 102, 60}},
}};
constexpr std::array<Swatch, 7> kScales = {{
    {"green", {128, 184, 104}},
    {"olive", {160, 170, 92}},
    {"teal", {84, 176, 164}},
    {"blue", {116, 156, 220}},
    {"red", {222, 102, 84}},
    {"violet", {164, 128, 208}},
    {"grey", {156, 172, 168}},
}};
constexpr std::array<Swatch, 7> kIrises = {{
    {"brown", {122, 76, 44}},
    {"blue", {62, 122, 208}},
    {"green", {58, 150, 92}},
    {"amber", {220, 146, 40}},
    {"grey", {106, 120, 140}},
    {"violet", {128, 88, 196}},
    {"red", {200, 60, 60}},
}};
constexpr std::array<Swatch, 5> kLeathers = {{
    {"brown leather", {150, 96, 58}},
    {"dark leather", {104, 72, 54}},
    {"tan leather", {200, 148, 92}},
    {"black leather", {74, 70, 84}},
    {"red leather", {168, 66, 56}},
}};
constexpr std::array<Swatch, 6> kMetals = {{
    {"steel", {202, 212, 224}},
    {"gold", {248, 204, 92}},
    {"copper", {222, 146, 96}},
    {"bronze", {196, 156, 88}},
    {"dark steel", {124, 134, 154}},
    {"brass", {236, 190, 92}},
}};

}  // namespace

std::span<const Swatch> cloths() { return kCloths; }
std::span<const Swatch> skins() { return kSkins; }
std::span<const Swatch> hairs() { return kHairs; }
std::span<const Swatch> furs() { return kFurs; }
std::span<const Swatch> scales() { return kScales; }
std::span<const Swatch> irises() { return kIrises; }
std::span<const Swatch> leathers() { return kLeathers; }
std::span<const Swatch> metals() { return kMetals; }

Swatch swatch(std::string_view name) {
  for (const auto& some : {cloths(), skins(), hairs(), furs(), scales(), leathers(), metals()}) {
    for (const Swatch& one : some) {
      if (one.name == name) return one;
    }
  }
  PIROUETTE_CHECK(false && "no such swatch");
  std::abort();
}

double contrast(Colour a, Colour b) {
  const double mean = (a.r + b.r) / 2.0;
  const double r = a.r - b.r, g = a.g - b.g, blue = a.b - b.b;
  return std::sqrt((2 + mean / 256) * r * r + 4 * g * g + (2 + (255 - mean) / 256) * blue * blue) /
         255;
}

}  // namespace pirouette::characters
