// Dispatch against a peer that does not keep to the protocol: a bare socket.

#include "common/wire/sockets.h"

#include <gtest/gtest.h>

#include "common/wire/frames.h"
#include "common/wire/limits.h"
#include "tests/unit/link/farm.h"

namespace pirouette::test {
namespace {

class Stranger {
 public:
  explicit Stranger(const std::string& endpoint) : socket_(context_, zmq::socket_type::dealer) {
    wire::set_up_dealer(socket_, std::nullopt, 1000, wire::kControlFrameMaxBytes);
    socket_.set(zmq::sockopt::rcvtimeo, 1500);
    socket_.set(zmq::sockopt::sndtimeo, 1500);
    socket_.connect(endpoint);
  }
  void say(const std::string& bytes) { ASSERT_TRUE(socket_.send(zmq::buffer(bytes))); }
  void say(const wire::BlobMessage& message) { say(message.SerializeAsString()); }
  void say(const wire::WorkerFrame& frame) { say(frame.SerializeAsString()); }

  wire::BlobMessage hear_blob() {
    zmq::message_t message;
    EXPECT_TRUE(socket_.recv(message));
    return wire::parse_blob_message({message.data<std::uint8_t>(), message.size()}).value();
  }
  wire::CoordinatorFrame hear() {
    zmq::message_t message;
    EXPECT_TRUE(socket_.recv(message));
    return wire::parse_coordinator_frame({message.data<std::uint8_t>(), message.size()}).value();
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

wire::BlobMessage put(const Digest& digest, std::size_t size) {
  wire::BlobMessage message;
  message.mutable_put()->set_digest(wire::to_bytes(digest));
  message.mutable_put()->set_size(size);
  return message;
}

wire::BlobMessage chunk(const Digest& digest, const std::vector<std::uint8_t>& bytes,
                        std::size_t offset) {
  wire::BlobMessage message;
  auto& body = *message.mutable_chunk();
  body.set_digest(wire::to_bytes(digest));
  body.set_offset(offset);
  body.set_size(bytes.size());
  body.set_bytes(bytes.data() + offset, std::min(wire::kChunkBytes, bytes.size() - offset));
  return message;
}

TEST(BlobSocket, APutGoesOnAfterACut) {
  Coordinator coordinator;
  const auto picture = some_bytes(2 * wire::kChunkBytes + 10);
  const Digest digest = sha256(picture);
  {
    Stranger first(coordinator.config().blob_endpoint);
    first.say(put(digest, picture.size()));
    EXPECT_EQ(first.hear_blob().resume().offset(), 0u);
    first.say(chunk(digest, picture, 0));
    ASSERT_NO_FATAL_FAILURE(first.say(put(digest, picture.size())));
    EXPECT_EQ(first.hear_blob().resume().offset(), wire::kChunkBytes);
  }
  Stranger second(coordinator.config().blob_endpoint);
  second.say(put(digest, picture.size()));
  EXPECT_EQ(second.hear_blob().resume().offset(), wire::kChunkBytes);
  second.say(chunk(digest, picture, wire::kChunkBytes));
  second.say(chunk(digest, picture, 2 * wire::kChunkBytes));
  EXPECT_TRUE(second.hear_blob().has_stored());
  EXPECT_EQ(coordinator.blobs().read(digest).value(), picture);
}

TEST(BlobSocket, BytesWithAnotherHashAreRefused) {
  Coordinator coordinator;
  const auto picture = some_bytes(1000);
  const Digest other = sha256("something else");
  Stranger stranger(coordinator.config().blob_endpoint);
  stranger.say(put(other, picture.size()));
  EXPECT_TRUE(stranger.hear_blob().has_resume());
  stranger.say(chunk(other, picture, 0));
  EXPECT_EQ(stranger.hear_blob().failed().failure(), wire::CORRUPT);
  EXPECT_FALSE(coordinator.blobs().contains(other));
}

TEST(BlobSocket, WhatIsNotThereOrTooLargeIsSaidSo) {
  Coordinator coordinator;
  Stranger stranger(coordinator.config().blob_endpoint);
  wire::BlobMessage get;
  get.mutable_get()->set_digest(wire::to_bytes(sha256("nothing")));
  stranger.say(get);
  EXPECT_EQ(stranger.hear_blob().failed().failure(), wire::NOT_FOUND);
  stranger.say(put(sha256("huge"), kBlobMaxBytes + 1));
  EXPECT_EQ(stranger.hear_blob().failed().failure(), wire::REFUSED);
}

TEST(BlobSocket, AReferenceThatTheDiskCannotTellOfMayComeLater) {
  Coordinator coordinator;
  const Digest digest = sha256("reference");
  fs::create_symlink(coordinator.blobs().path(digest), coordinator.blobs().path(digest));  // ELOOP
  Stranger stranger(coordinator.config().blob_endpoint);
  wire::BlobMessage get;
  get.mutable_get()->set_digest(wire::to_bytes(digest));
  stranger.say(get);
  EXPECT_EQ(stranger.hear_blob().failed().failure(), wire::TRY_LATER);
}

const std::string kGarbage = "\xFF\xFF not a frame";

TEST(ControlSocket, GarbageIsCountedAndAnsweredWithTheWishForAHello) {
  Coordinator coordinator;
  Stranger stranger(coordinator.config().control_endpoint);
  stranger.say(kGarbage);
  EXPECT_TRUE(stranger.hear().messages(0).has_hello_wanted());
  EXPECT_EQ(coordinator.dispatch().counts().messages_malformed, 1u);
}

TEST(ControlSocket, GarbageUnderALinkCutsItUntilTheNextHello) {
  Coordinator coordinator;
  Stranger stranger(coordinator.config().control_endpoint);
  wire::WorkerFrame frame;
  auto& hello = *frame.add_messages()->mutable_hello();
  hello.set_protocol(wire::kProtocol);
  hello.set_name("anna");
  for (int round = 0; round < 6; ++round) {
    stranger.say(frame);
    EXPECT_TRUE(stranger.hear().messages(0).has_welcome());
    stranger.say(kGarbage);
    EXPECT_TRUE(stranger.hear().messages(0).has_hello_wanted());
  }
}

TEST(ControlSocket, AHelloThatStaysUnreadableIsTurnedAway) {
  Coordinator coordinator;
  Stranger stranger(coordinator.config().control_endpoint);
  for (int i = 0; i < 4; ++i) stranger.say(kGarbage);
  EXPECT_TRUE(stranger.hear().messages(0).has_hello_wanted());
  EXPECT_NE(stranger.hear().messages(0).turned().why().find("cannot read"), std::string::npos);
}

TEST(ControlSocket, AnotherProtocolIsTurnedAway) {
  Coordinator coordinator;
  Stranger stranger(coordinator.config().control_endpoint);
  wire::WorkerFrame frame;
  frame.add_messages()->mutable_hello()->set_protocol(wire::kProtocol + 1);
  stranger.say(frame);
  EXPECT_NE(stranger.hear().messages(0).turned().why().find("protocol"), std::string::npos);
}

TEST(ControlSocket, AHellosOutboxFollowsItAsResults) {
  Coordinator coordinator;
  const Digest stored = coordinator.blobs().put(some_bytes(10)).value();
  Stranger stranger(coordinator.config().control_endpoint);
  wire::WorkerFrame frame;
  auto& hello = *frame.add_messages()->mutable_hello();
  hello.set_protocol(wire::kProtocol);
  hello.set_name("anna");
  auto& finished = *hello.add_outbox();
  finished.set_lease(3);
  finished.set_job(4);
  finished.set_result(wire::to_bytes(stored));
  finished.set_metrics("no JSON");
  stranger.say(frame);
  const auto answer = stranger.hear();
  ASSERT_EQ(answer.messages_size(), 2);  // together, in order
  EXPECT_TRUE(answer.messages(0).has_welcome());
  EXPECT_EQ(answer.messages(1).acknowledged().lease(), 3u);
  EXPECT_TRUE(coordinator.core.wait_until([](EchoCore& core) {
    const auto finished = core.all<core::LeaseFinished>();
    return finished.size() == 1 && finished[0].result_stored && finished[0].metrics == "{}";
  }));
}

TEST(ControlSocket, PlainIsOnlyForLoopback) {
  Folder folder;
  dispatch::Config config;
  config.plain = true;
  config.control_endpoint = "tcp://*:0";
  const auto started = dispatch::Dispatch::start(config, Blobs::open(folder.path()).value(),
                                                 [](std::vector<core::Event>&&) {});
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().what.find("unencrypted"), std::string::npos);
}

}  // namespace
}  // namespace pirouette::test
