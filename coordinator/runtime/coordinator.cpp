#include "coordinator/runtime/coordinator.h"

#include <memory>
#include <utility>

#include "common/blobs.h"
#include "common/clock.h"
#include "common/files.h"
#include "common/log.h"
#include "coordinator/assembly/assembly.h"
#include "coordinator/dispatch/dispatch.h"
#include "coordinator/http/http.h"
#include "coordinator/runtime/loop.h"
#include "coordinator/runtime/sheet_story.h"
#include "coordinator/store/read_model.h"
#include "coordinator/store/store.h"

namespace pirouette::runtime {
namespace {

AssembleFn real_assembly(const Blobs& blobs, std::shared_ptr<const store::ReadModel> read) {
  return [blobs, read](const core::AssembleSheet& task) -> Result<core::SheetAssembled> {
    const assembly::SheetStory story = TRY(tell_story(task, *read));
    assembly::AssembledSheet sheet = TRY(assembly::assemble(task, story, blobs));
    return core::SheetAssembled{task.sheet, task.version, sheet.picture, sheet.thumbnail,
                                std::move(sheet.checks)};
  };
}

Result<http::Reference> real_reference(std::span<const std::uint8_t> picture) {
  assembly::Reference made = TRY(assembly::as_reference(picture));
  http::Reference reference{std::move(made.png), made.width, made.height, {}, {}};
  if (const auto& box = made.crop) {
    reference.crop = http::Reference::Crop{box->left, box->top, box->width, box->height};
  }
  reference.warnings = std::move(made.warnings);
  return reference;
}

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Error{Errc::io, "cannot make the folder " + folder.string() + ": " + error.message()};
  return {};
}

std::string to_json(const Endpoints& endpoints) {
  return "{\n  \"http\": \"" + endpoints.http + "\",\n  \"control\": \"" + endpoints.control +
         "\",\n  \"blobs\": \"" + endpoints.blobs + "\"\n}\n";
}

}  // namespace

// Members are destroyed from the last to the first: who posts events goes before the loop that
// takes them, and who is posted to goes after.
class Coordinator::Impl {
 public:
  std::unique_ptr<store::Store> store;
  std::shared_ptr<store::ReadModel> read;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Assembler> assembler;
  std::unique_ptr<dispatch::Dispatch> dispatch;
  std::unique_ptr<http::Http> http;
  Endpoints endpoints;

  Outlets outlets() {
    return {
        .commit = [this](std::span<const core::Write> writes) { return store->commit(writes); },
        .recall = [this](const core::Recall& wanted) { return store->recall(wanted); },
        .send = [this](std::vector<core::Send>&& sends) { dispatch->send(std::move(sends)); },
        .answer = [this](core::Reply&& reply) { http->answer(std::move(reply)); },
        .assemble = [this](core::AssembleSheet&& task) { assembler->add(std::move(task)); },
        .published = [this](EventId newest) { http->published(newest); },
        .progressed =
            [this](std::vector<core::Progress>&& progress) {
              http->progressed(std::move(progress));
            },
        .rest = [this] { store->rest(); },
    };
  }
};

Result<std::unique_ptr<Coordinator>> Coordinator::start(Config config) {
  TRY(make_folder(config.folder));
  auto impl = std::make_unique<Impl>();
  Impl* const parts = impl.get();
  const std::filesystem::path database = config.folder / "farm.db";
  parts->store = TRY(store::Store::open(database));
  core::State state = TRY(parts->store->load());
  parts->store->lay_out_log();
  parts->read = TRY(store::ReadModel::open(database));
  const Blobs blobs = TRY(Blobs::open(config.folder / "blobs"));

  parts->loop = std::make_unique<Loop>(std::move(state), config.policy, parts->outlets());
  const auto post = [parts](core::Event event) { parts->loop->post(std::move(event)); };
  // A request thread would only wait for the loop's answer.
  const auto bring = [parts](core::Event event) { parts->loop->bring(std::move(event)); };
  parts->assembler = std::make_unique<Assembler>(
      config.assemble ? config.assemble : real_assembly(blobs, parts->read), post);
  parts->dispatch = TRY(dispatch::Dispatch::start(
      {.control_endpoint = config.control,
       .blob_endpoint = config.blobs,
       .keys = config.folder / "keys",
       .plain = config.plain},
      blobs, [parts](std::vector<core::Event>&& events) { parts->loop->post(std::move(events)); }));
  parts->http = TRY(http::Http::start({.host = config.http_host,
                                       .port = config.http_port,
                                       .blobs = blobs,
                                       .thumbnails = config.folder / "thumbnails",
                                       .read = parts->read,
                                       .started_at = wall_clock_now(),
                                       .make_thumbnail = assembly::thumbnail,
                                       .references = config.folder / "references",
                                       .reference_making = assembly::kReferenceMaking,
                                       .as_reference = real_reference,
                                       .heartbeat = config.policy.heartbeat},
                                      bring));

  parts->endpoints = {"http://" + config.http_host + ":" + std::to_string(parts->http->port()),
                      parts->dispatch->endpoints().control, parts->dispatch->endpoints().blob};
  TRY(write_file_durably(config.folder / "endpoints.json", to_json(parts->endpoints)));
  log::info("coordinator", "workers connect to " + parts->endpoints.control + " and " +
                               parts->endpoints.blobs + "; the page is at " +
                               parts->endpoints.http);
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(impl)));
}

Coordinator::Coordinator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Coordinator::~Coordinator() {
  if (!impl_) return;
  impl_->loop->stop();
  impl_->http->stop();
}

const Endpoints& Coordinator::endpoints() const { return impl_->endpoints; }
void Coordinator::stop_on_signals() { impl_->loop->stop_on_signals(); }
void Coordinator::run() { impl_->loop->run(); }
void Coordinator::stop() { impl_->loop->stop(); }
void Coordinator::post(core::Event event) { impl_->loop->post(std::move(event)); }

}  // namespace pirouette::runtime
