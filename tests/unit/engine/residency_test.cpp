#include "worker/engine/residency/residency.h"

#include <gtest/gtest.h>

namespace pirouette::engine {
namespace {

constexpr std::uint64_t kGb = 1'000'000'000;

// FLUX.1 Kontext in bf16 (its files' sizes).
constexpr ModelBytes kKontext{23'800'000'000, 170'000'000, 9'800'000'000};

ResidencyMode mode_with(std::uint64_t device_gb, std::uint64_t host_gb, bool keeps_text = false) {
  return choose_mode(kKontext, {device_gb * kGb, host_gb * kGb}, keeps_text).value();
}

std::string names(const std::vector<Residency::Held>& held) {
  std::string text;
  for (const auto& each : held)
    text +=
        (text.empty() ? "" : " ") + each.model + (each.variant.empty() ? "" : ":") + each.variant;
  return text;
}

TEST(ResidencyMode, IsChosenByWhatTheDeviceHas) {
  EXPECT_EQ(mode_with(141, 0), ResidencyMode::pristine_on_device);
  EXPECT_EQ(mode_with(80, 200), ResidencyMode::pristine_on_device);
  EXPECT_EQ(mode_with(48, 200), ResidencyMode::pristine_on_host);
  EXPECT_EQ(mode_with(48, 16), ResidencyMode::merged_only);
  EXPECT_EQ(mode_with(48, 0), ResidencyMode::merged_only);  // the device is the host
}

TEST(ResidencyMode, KeptTextEncodersTakeTheirRoomForGood) {
  EXPECT_EQ(mode_with(58, 200, false), ResidencyMode::pristine_on_device);
  EXPECT_EQ(mode_with(58, 200, true), ResidencyMode::pristine_on_host);
}

TEST(ResidencyMode, AModelThatFitsInNoWayIsRefusedWithWhatItNeeds) {
  const auto mode = choose_mode(kKontext, {24 * kGb, 200 * kGb}, false);
  ASSERT_FALSE(mode.ok());
  EXPECT_EQ(mode.error().what,
            "the model needs 25721 MiB of memory and the budget is 22889 MiB; raise "
            "--memory-budget, or take a device with more memory or a smaller model");
}

// In float8 the weights as published are others, and beside them on the device.
constexpr ModelBytes kFloat8{15'100'000'000, 170'000'000, 9'800'000'000, 23'800'000'000};

TEST(ResidencyMode, Float8FitsA24GbCardWithT5CrossingInTurn) {
  const MemoryBudget card{25 * kGb, 64 * kGb}, large{80 * kGb, 200 * kGb};
  EXPECT_EQ(choose_mode(kFloat8, card, false).value(), ResidencyMode::pristine_on_host);
  EXPECT_EQ(choose_mode(kFloat8, {25 * kGb, 16 * kGb}, false).value(), ResidencyMode::merged_only);
  EXPECT_TRUE(streams_text_encoders(kFloat8, card, false));
  EXPECT_FALSE(streams_text_encoders(kFloat8, large, false));
  EXPECT_EQ(choose_mode(kFloat8, large, false).value(), ResidencyMode::pristine_on_device);
  EXPECT_EQ(choose_mode(kFloat8, {48 * kGb, 200 * kGb}, false).value(),
            ResidencyMode::pristine_on_host);
}

// What a card is given, of what CUDA leaves free of it.
std::string profile(double card_gib, bool has_float8, std::uint64_t host_gb) {
  const auto free_bytes = static_cast<std::uint64_t>((card_gib - 0.6) * (1 << 30));
  const auto card = static_cast<std::uint64_t>(card_gib * (1 << 30));
  const MemoryBudget budget{free_bytes, host_gb * kGb};
  const bool float8 = takes_float8(WeightsAs::automatic, card, has_float8);
  ModelBytes model = float8 ? kFloat8 : kKontext;
  model.modulations = 6'460'000'000;
  const bool on_host = keeps_modulations_on_host(model, budget, false);
  if (on_host) model = with_modulations_on_host(model);
  const auto mode = choose_mode(model, budget, false);
  if (!mode.ok()) return "refused";
  return std::string(float8 ? "float8, " : "wide, ") + (on_host ? "modulations on host, " : "") +
         std::string(name(mode.value()));
}

TEST(Profile, IsChosenByTheCardsMemory) {
  EXPECT_EQ(profile(80, true, 200), "wide, pristine on device");
  EXPECT_EQ(profile(40, true, 200), "wide, pristine on host");
  EXPECT_EQ(profile(32, true, 16), "wide, merged only");
  EXPECT_EQ(profile(31.8, true, 200), "float8, pristine on host");
  EXPECT_EQ(profile(24, true, 16), "float8, merged only");
  EXPECT_EQ(profile(20, true, 16), "float8, merged only");
  EXPECT_EQ(profile(16, true, 200), "float8, modulations on host, pristine on host");
  EXPECT_EQ(profile(16, true, 16), "float8, modulations on host, merged only");
  EXPECT_EQ(profile(12, true, 16), "float8, modulations on host, merged only");
  EXPECT_EQ(profile(9, true, 16), "refused");
}

TEST(Profile, WithoutFloat8ProductsModulationsMakeRoomForWideWeights) {
  EXPECT_EQ(profile(24, false, 200), "wide, modulations on host, pristine on host");
  EXPECT_EQ(profile(24, false, 16), "wide, modulations on host, merged only");
  EXPECT_EQ(profile(16, false, 200), "refused");
}

TEST(Profile, ModulationsStayWhereTheHostHasNoRoom) {
  EXPECT_EQ(profile(16, true, 6), "refused");
  const ModelBytes model{15 * kGb, kGb, kGb, 24 * kGb, 6 * kGb};
  EXPECT_FALSE(keeps_modulations_on_host(model, {17 * kGb, 0}, false));  // the device is the host
  const ModelBytes crossing = with_modulations_on_host(model);
  EXPECT_EQ(crossing.transformer, 9 * kGb);
  EXPECT_EQ(crossing.pristine, 30 * kGb);
}

TEST(WeightsAs, AreFloat8WhereTheWideOnesDoNotFit) {
  EXPECT_TRUE(takes_float8(WeightsAs::automatic, 24 * kGb, true));
  EXPECT_FALSE(takes_float8(WeightsAs::automatic, 24 * kGb, false));
  EXPECT_FALSE(takes_float8(WeightsAs::automatic, 80 * kGb, true));
  EXPECT_TRUE(takes_float8(WeightsAs::float8, 80 * kGb, true));
  EXPECT_FALSE(takes_float8(WeightsAs::wide, 24 * kGb, true));
  EXPECT_FALSE(parse_weights_as("fp8").ok());
}

TEST(ResidencyMode, IsReadFromTheCommandLine) {
  EXPECT_EQ(parse_residency_mode("auto").value(), std::nullopt);
  EXPECT_EQ(parse_residency_mode("merged-only").value(), ResidencyMode::merged_only);
  EXPECT_EQ(parse_residency_mode("pristine-on-host").value(), ResidencyMode::pristine_on_host);
  EXPECT_EQ(parse_residency_mode("all").error().what,
            "residency \"all\" is none of these: auto, pristine-on-device, pristine-on-host, "
            "merged-only");
}

// A budget of 800: 700 for what stays, 100 for renderings.
Residency with_three_variants() {
  Residency residency(800);
  residency.hold("kontext", "", 200);
  for (const char* variant : {"a", "b", "c"}) residency.hold("kontext", variant, 150);
  return residency;
}

TEST(Residency, WhatFitsPushesNothingOut) {
  EXPECT_EQ(names(with_three_variants().to_let_go(50, Residency::Stay::lasting, "kontext", "d")),
            "");
}

TEST(Residency, TheVariantUsedLongestAgoGoesFirst) {
  Residency residency = with_three_variants();
  residency.use("kontext", "a");
  EXPECT_EQ(names(residency.to_let_go(150, Residency::Stay::lasting, "kontext", "d")), "kontext:b");
  EXPECT_EQ(names(residency.to_let_go(300, Residency::Stay::lasting, "kontext", "d")),
            "kontext:b kontext:c");
}

TEST(Residency, NeitherTheJobsModelNorItsVariantGoes) {
  const Residency residency = with_three_variants();
  EXPECT_EQ(names(residency.to_let_go(10'000, Residency::Stay::lasting, "kontext", "a")),
            "kontext:b kontext:c");
}

TEST(Residency, WhatPassesMayTakeTheRoomOfRenderings) {
  const Residency residency = with_three_variants();
  EXPECT_EQ(names(residency.to_let_go(150, Residency::Stay::passing, "kontext", "c")), "");
  EXPECT_EQ(names(residency.to_let_go(151, Residency::Stay::passing, "kontext", "c")), "kontext:a");
}

TEST(Residency, AnotherModelGoesAfterAllVariants) {
  Residency residency = with_three_variants();
  residency.drop("kontext", "c");
  EXPECT_EQ(names(residency.to_let_go(400, Residency::Stay::lasting, "krea", "")),
            "kontext:a kontext:b");
  EXPECT_EQ(names(residency.to_let_go(600, Residency::Stay::lasting, "krea", "")),
            "kontext:a kontext:b kontext");
  residency.drop("kontext", "");
  EXPECT_EQ(residency.held_bytes(), 0u);
}

TEST(Residency, HoldingAgainCountsOnce) {
  Residency residency(800);
  residency.hold("kontext", "a", 150);
  residency.hold("kontext", "a", 120);
  EXPECT_EQ(residency.held_bytes(), 120u);
}

}  // namespace
}  // namespace pirouette::engine
