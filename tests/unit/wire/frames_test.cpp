#include "common/wire/frames.h"

#include <gtest/gtest.h>

#include "common/wire/limits.h"

namespace pirouette::wire {
namespace {

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

pirouette::RenderSpec some_spec() {
  pirouette::RenderSpec spec;
  spec.model = "flux1-kontext-dev";
  spec.loras = {{"turnaround", -0.5, "create turnaround sheet"},
                {"ink", 1, "", sha256("ink"), 171'000'000}};
  spec.prompt = "a knight \xE2\x80\x93 front view";
  spec.reference = sha256("reference");
  spec.reference_size = "keep";
  spec.width = 832;
  spec.height = 1248;
  spec.steps = 24;
  spec.guidance = 2.5;
  spec.step_cache = {4, {8, 12}};
  spec.seed = 0xFFFF'FFFF'FFFF'FFFFu;
  return spec;
}

TEST(Frames, ASpecComesBackAsItWas) {
  Assign assign;
  fill_spec(assign, some_spec());
  EXPECT_EQ(read_spec(assign).value(), some_spec());
}

// A worker of an older version, and a job's digest, are not told of what is off.
TEST(Frames, AStepCacheIsPartOfTheJobAndOffIsNothing) {
  pirouette::RenderSpec spec = some_spec();
  Assign cached, off;
  fill_spec(cached, spec);
  spec.step_cache = {};
  fill_spec(off, spec);
  EXPECT_NE(cached.spec_digest(), off.spec_digest());
  EXPECT_TRUE(read_spec(off).value().step_cache.is_off());
  RenderSpec message;
  ASSERT_TRUE(message.ParseFromString(off.spec()));
  EXPECT_TRUE(message.step_cache().empty());
  message.set_step_cache("reference=0");
  message.SerializeToString(off.mutable_spec());
  const Digest digest = sha256(off.spec());
  off.set_spec_digest(digest.bytes.data(), digest.bytes.size());
  EXPECT_EQ(read_spec(off).error().code, Errc::invalid);
}

TEST(Frames, ADamagedSpecIsNoticed) {
  Assign assign;
  fill_spec(assign, some_spec());
  (*assign.mutable_spec())[5] ^= 1;
  EXPECT_EQ(read_spec(assign).error().code, Errc::corrupt);
}

TEST(Frames, ASpecBeyondTheLimitsIsRefused) {
  for (auto change : {+[](pirouette::RenderSpec& s) { s.width = 1 << 20; },
                      +[](pirouette::RenderSpec& s) { s.steps = 0; },
                      +[](pirouette::RenderSpec& s) { s.guidance = 0.0 / 0.0; },
                      +[](pirouette::RenderSpec& s) { s.loras[1].bytes = kLoraMaxBytes + 1; },
                      +[](pirouette::RenderSpec& s) { s.prompt.assign(9000, 'x'); }}) {
    pirouette::RenderSpec spec = some_spec();
    change(spec);
    Assign assign;
    fill_spec(assign, spec);
    EXPECT_EQ(read_spec(assign).error().code, Errc::invalid);
  }
}

TEST(Frames, GarbageAndOversizeAreErrors) {
  EXPECT_FALSE(parse_worker_frame(bytes_of("\xFF\xFF\xFF no protobuf")).ok());
  EXPECT_FALSE(parse_coordinator_frame(bytes_of("\x0A\x7F")).ok());
  EXPECT_FALSE(parse_worker_frame(bytes_of(std::string(kControlFrameMaxBytes + 1, '\0'))).ok());
  EXPECT_FALSE(parse_blob_message(bytes_of(std::string(kBlobFrameMaxBytes + 1, '\0'))).ok());
  WorkerFrame crowded;
  for (int i = 0; i <= kFrameMaxMessages; ++i) crowded.add_messages()->mutable_goodbye();
  EXPECT_FALSE(parse_worker_frame(bytes_of(crowded.SerializeAsString())).ok());
}

TEST(Frames, EveryPrefixOfAFrameIsReadOrRefused) {
  WorkerFrame frame;
  auto& hello = *frame.add_messages()->mutable_hello();
  hello.set_name("anna");
  hello.add_models("flux1-kontext-dev");
  auto& finished = *frame.add_messages()->mutable_finished();
  finished.set_result(to_bytes(sha256("picture")));
  finished.set_metrics("{}");
  const std::string whole = frame.SerializeAsString();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto parsed = parse_worker_frame(bytes_of(whole.substr(0, length)));
    if (parsed.ok()) {
      EXPECT_LE(parsed.value().messages_size(), 2);
    }
  }
}

TEST(Frames, AFullChunkFitsItsFrame) {
  BlobMessage message;
  auto& chunk = *message.mutable_chunk();
  chunk.set_digest(to_bytes(sha256("x")));
  chunk.set_offset(~0ull);
  chunk.set_size(~0ull);
  chunk.set_bytes(std::string(kChunkBytes, 'x'));
  EXPECT_LE(static_cast<std::int64_t>(message.ByteSizeLong()), kBlobFrameMaxBytes);
}

TEST(Frames, BytesThatAreNoUtf8AreReplacedSoThatTheMessageCanBeRead) {
  EXPECT_EQ(to_utf8("a\xE4z"), "a\uFFFDz");  // Latin-1
  EXPECT_EQ(to_utf8("\u00E4\u20AC\U0001F600"), "\u00E4\u20AC\U0001F600");
  EXPECT_EQ(to_utf8("\xC0\x80"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(to_utf8("\xED\xA0\x80").find('\xED'), std::string::npos);  // a surrogate
  EXPECT_EQ(to_utf8("\xE2\x82"), "\uFFFD\uFFFD");                      // cut off
  WorkerFrame frame;
  frame.add_messages()->mutable_failed()->set_message(shorten("Ger\xE4t", 100));
  EXPECT_TRUE(parse_worker_frame(bytes_of(frame.SerializeAsString())).ok());
}

TEST(Frames, TextsAreKeptWithinTheirLimits) {
  EXPECT_EQ(json_object_or_empty("{\"a\":1}", 100), "{\"a\":1}");
  EXPECT_EQ(json_object_or_empty("{\"a\":1}", 3), "{}");
  EXPECT_EQ(json_object_or_empty("[1]", 100), "{}");
  EXPECT_EQ(json_object_or_empty("{\"a\":", 100), "{}");
  EXPECT_EQ(shorten("short", 10), "short");
  EXPECT_EQ(shorten("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4", 6), "\xC3\xA4…");
}

}  // namespace
}  // namespace pirouette::wire
