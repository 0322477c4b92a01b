// How the parts of the HTTP side stand together: routes, front door, event streams.

#include <filesystem>
#include <memory>

#include "coordinator/http/descriptors.h"
#include "coordinator/http/front_door.h"
#include "coordinator/http/http.h"
#include "coordinator/http/site.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {

class Http::Impl {
 public:
  Impl(Config config, std::function<void(core::Event)> post)
      : site_(std::move(config), std::move(post)) {
    add_all(router_, site_);
    door_ = std::make_unique<FrontDoor>(site_, router_);
  }
  ~Impl() { stop(); }

  Result<void> listen() {
    site_.pulse.published(TRY(site_.read().last_event()));
    site_.streams.start();
    port_ = TRY(door_->listen(site_.config.host, site_.config.port));
    return {};
  }

  void stop() {
    site_.waiting.stop();
    door_->stop();
    site_.streams.stop();
  }

  Site site_;
  int port_ = 0;

 private:
  Router router_;
  std::unique_ptr<FrontDoor> door_;
};

Http::Http(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Http::~Http() = default;

Result<std::unique_ptr<Http>> Http::start(Config config, std::function<void(core::Event)> post) {
  raise_descriptor_limit();
  std::error_code failed;
  std::filesystem::create_directories(config.thumbnails, failed);
  if (failed) {
    return Error{Errc::io,
                 "cannot make the folder " + config.thumbnails.string() + ": " + failed.message()};
  }
  auto impl = std::make_unique<Impl>(std::move(config), std::move(post));
  TRY(impl->listen());
  return std::unique_ptr<Http>(new Http(std::move(impl)));
}

int Http::port() const { return impl_->port_; }
void Http::answer(core::Reply&& reply) { impl_->site_.waiting.answer(std::move(reply)); }
void Http::published(EventId last) {
  impl_->site_.pulse.published(last);
  impl_->site_.streams.wake();
}
void Http::progressed(std::vector<core::Progress>&& progress) {
  if (progress.empty()) return;
  impl_->site_.pulse.progressed(std::move(progress));
  impl_->site_.streams.wake();
}
void Http::stop() { impl_->stop(); }

}  // namespace pirouette::http
