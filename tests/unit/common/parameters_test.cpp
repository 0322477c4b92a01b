// The text is read back as AUTOMATIC1111's web UI reads it.

#include "common/job/parameters.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "common/image/image.h"
#include "common/image/provenance.h"
#include "common/version.h"
#include "tests/support/png_texts.h"

namespace pirouette {
namespace {

struct Parsed {
  std::string prompt, negative;
  std::map<std::string, std::string> settings;
};

// As parse_generation_parameters does: settings are the last line's "name: value" pairs, quotes
// keep commas together.
Parsed parse(const std::string& text) {
  static const std::regex kPair(R"re(\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$))re");
  static const std::string kNegative = "Negative prompt:";
  Parsed parsed;
  const std::size_t last = text.rfind('\n') + 1;
  std::string* into = &parsed.prompt;
  for (std::size_t at = 0; at < last;) {
    std::string line = text.substr(at, text.find('\n', at) - at);
    at += line.size() + 1;
    if (line.starts_with(kNegative)) {
      into = &parsed.negative;
      line = line.substr(kNegative.size() + 1);
    }
    *into += (into->empty() ? "" : "\n") + line;
  }
  const std::string settings = text.substr(last);
  for (std::sregex_iterator it(settings.begin(), settings.end(), kPair), end; it != end; ++it) {
    parsed.settings[(*it)[1]] = (*it)[2];
  }
  return parsed;
}

RenderSpec some_spec() {
  RenderSpec spec;
  spec.model = "flux1-kontext-dev";
  spec.loras = {{"turnaround", 1.0, "x"}, {"ink-wash", -0.75, ""}};
  spec.prompt = "create a back view of this character, Zoë: \"red\" cape";
  spec.width = 832;
  spec.height = 1248;
  spec.steps = 24;
  spec.guidance = 2.5;
  spec.seed = 9'223'372'036'854'775'807ull;
  return spec;
}

const std::string kSha(64, 'a');
const WeightDigests kWeights{"0123456789abcdef" + std::string(48, '0'),
                             {{kSha, "fedcba9876543210"}, {kSha, "00112233445566778899"}}};

TEST(Parameters, AreWhatTheFieldReads) {
  const std::string text = make_parameters(some_spec(), kWeights);
  EXPECT_EQ(text,
            "create a back view of this character, Zoë: \"red\" cape <lora:turnaround:1> "
            "<lora:ink-wash:-0.75>\n"
            "Steps: 24, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: "
            "2.5, Seed: 9223372036854775807, Size: 832x1248, Model hash: 0123456789, Model: "
            "flux1-kontext-dev, RNG: CPU, Lora hashes: \"turnaround: fedcba987654, ink-wash: "
            "001122334455\", Version: " +
                std::string(tool_name()));
  const Parsed parsed = parse(text);
  EXPECT_TRUE(parsed.prompt.ends_with("cape <lora:turnaround:1> <lora:ink-wash:-0.75>"));
  EXPECT_EQ(parsed.negative, "");
  EXPECT_EQ(parsed.settings.size(), 12u);
  EXPECT_EQ(parsed.settings.at("Seed"), "9223372036854775807");
  EXPECT_EQ(parsed.settings.at("Lora hashes"),
            "\"turnaround: fedcba987654, ink-wash: 001122334455\"");
}

TEST(Parameters, TheNegativePromptStandsWhereItWasUsed) {
  RenderSpec spec = some_spec();
  spec.negative_prompt = "blurry,\nSteps: 3";
  EXPECT_EQ(parse(make_parameters(spec, kWeights)).negative, "");
  spec.true_cfg = 3.5;
  const Parsed parsed = parse(make_parameters(spec, kWeights));
  EXPECT_EQ(parsed.negative, "blurry, Steps: 3");
  EXPECT_EQ(parsed.settings.at("CFG scale"), "3.5");
  EXPECT_EQ(parsed.settings.at("Steps"), "24");
}

TEST(Parameters, AStepCacheIsToldWhereThereIsOne) {
  RenderSpec spec = some_spec();
  EXPECT_EQ(make_parameters(spec, {}).find("Step cache"), std::string::npos);
  spec.step_cache = {4, {8, 12}};
  EXPECT_NE(make_parameters(spec, {}).find("Step cache: \"reference=4,skip=8+12\""),
            std::string::npos);
}

TEST(Parameters, WhatIsNotKnownIsLeftOut) {
  const Parsed parsed = parse(make_parameters(some_spec(), {}));
  EXPECT_FALSE(parsed.settings.contains("Model hash"));
  EXPECT_FALSE(parsed.settings.contains("Lora hashes"));
  EXPECT_EQ(parsed.settings.at("Model"), "flux1-kontext-dev");
}

TEST(Parameters, ASheetHasAPromptAView) {
  const Parsed parsed =
      parse(make_parameters({"front v001, seed 7: a", "back v002, seed 9: b"}, some_spec(), {}));
  EXPECT_TRUE(parsed.prompt.starts_with("front v001, seed 7: a\nback v002, seed 9: b <lora:"));
  EXPECT_FALSE(parsed.settings.contains("Seed"));
}

TEST(Provenance, APictureSaysHowItWasMadeAndThatAModelMadeIt) {
  const Image image{2, 2, 3, std::vector<std::uint8_t>(12, 9)};
  const auto png = [&](const std::string& parameters) {
    return encode_png(image, provenance_texts(parameters, "Tool <&\"> 1")).value();
  };
  auto texts = testing::png_texts(png("plain"));
  EXPECT_EQ(texts.at("parameters").chunk, "tEXt");
  EXPECT_EQ(texts.at("parameters").value, "plain");
  const auto xmp = texts.at("XML:com.adobe.xmp");
  EXPECT_EQ(xmp.chunk, "iTXt");
  EXPECT_NE(xmp.value.find("Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/"
                           "digitalsourcetype/trainedAlgorithmicMedia\""),
            std::string::npos);
  EXPECT_NE(xmp.value.find("xmp:CreatorTool=\"Tool &lt;&amp;&quot;> 1\""), std::string::npos);
  texts = testing::png_texts(png("Zoë"));
  EXPECT_EQ(texts.at("parameters").chunk, "iTXt");
  EXPECT_EQ(texts.at("parameters").value, "Zoë");
  EXPECT_EQ(decode_png(png("Zoë")).value().pixels, image.pixels);
}

}  // namespace
}  // namespace pirouette
