// The worker's end of the blob socket against a real coordinator's.

#include "worker/link/blob_client.h"

#include <gtest/gtest.h>

#include "tests/unit/link/farm.h"
#include "worker/link/reference_cache.h"

namespace pirouette::test {
namespace {

using namespace std::chrono_literals;

class BlobClientTest : public testing::Test {
 protected:
  template <typename Kind>
  bool comes(std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within, [&] {
      return std::any_of(events_.begin(), events_.end(), [](const agent::Event& event) {
        return std::holds_alternative<Kind>(event);
      });
    });
  }

  Coordinator coordinator_;
  Folder folder_;
  Blobs pictures_ = Blobs::open(folder_.path() / "pictures").value();
  link::ReferenceCache cache_ =
      link::ReferenceCache::open(folder_.path() / "references", 1 << 20).value();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<agent::Event> events_;
  zmq::context_t context_;
  link::BlobClient client_{context_,
                           coordinator_.config().blob_endpoint,
                           std::nullopt,
                           cache_,
                           pictures_,
                           [this](agent::Event event) {
                             const std::lock_guard lock(mutex_);
                             events_.push_back(std::move(event));
                             changed_.notify_all();
                           }};
};

TEST_F(BlobClientTest, APictureThatIsGoneIsLost) {
  client_.put(sha256("picture"));
  EXPECT_TRUE(comes<agent::BlobLost>(2s));
}

TEST_F(BlobClientTest, APictureThatTheDiskCannotTellOfIsNotLost) {
  const Digest digest = sha256("picture");
  fs::create_symlink(pictures_.path(digest), pictures_.path(digest));  // ELOOP
  client_.put(digest);
  EXPECT_FALSE(comes<agent::BlobLost>(200ms));
}

TEST_F(BlobClientTest, AReferenceTheCoordinatorLacksMayBeThereForTheNextAttempt) {
  client_.fetch(sha256("reference"));
  ASSERT_TRUE(comes<agent::ReferenceFailed>(2s));
  EXPECT_EQ(std::get<agent::ReferenceFailed>(events_.front()).failure,
            agent::FailureClass::retryable);
}

}  // namespace
}  // namespace pirouette::test
