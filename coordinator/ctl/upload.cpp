#include "coordinator/ctl/upload.h"

#include <map>

#include "common/files.h"
#include "common/picture_head.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

constexpr std::size_t kWarningsNamed = 20;

class Upload {
 public:
  Upload(Client& client, Submission& submission, Console& console)
      : client_(client), submission_(submission), console_(console) {}

  Result<void> run() {
    for (std::size_t i = 0; i < submission_.pictures.size(); ++i) {
      TRY(take_in(submission_.pictures[i], submission_.batch.sheets[i]));
      show_progress(i + 1);
    }
    if (draws()) console_.out << "\n";
    if (warnings_ > kWarningsNamed) {
      console_.err << "pirouette: and " << warnings_ - kWarningsNamed
                   << " more warnings about references\n";
    }
    if (!problems_.none()) return problems_.error();
    return {};
  }

 private:
  Result<void> take_in(const Picture& picture, SheetSpec& sheet) {
    const bool is_file = !picture.file.empty();
    const Digest original = is_file ? picture.original : sheet.reference;
    if (is_file && submission_.uncropped && !TRY(is_png(picture))) {
      problems_.add(
          picture.place,
          "is no PNG, which is all that workers read: with --uncropped they get it as it is");
      return {};
    }
    const auto known = became_.find(original);
    if (known != became_.end()) return use(known->second, original, sheet);
    auto answer = is_file ? find_or_send(picture) : client_.find_reference(original);
    if (!answer.ok()) {
      if (answer.error().code != Errc::invalid) return std::move(answer).error();
      problems_.add(picture.place, answer.error().what);
      return {};
    }
    // A digest that was never sent as a picture may be any blob; the server knows.
    if (!answer.value()) return {};
    const Digest digest = TRY(parse_digest(text_of(*answer.value(), "digest")));
    became_.emplace(original, digest);
    say_warnings(picture, *answer.value());
    return use(digest, original, sheet);
  }

  Result<void> use(const Digest& digest, const Digest& original, SheetSpec& sheet) const {
    sheet.reference = submission_.uncropped ? original : digest;
    sheet.original = original;
    return {};
  }

  static Result<bool> is_png(const Picture& picture) {
    const auto head = read_picture_head(TRY(read_file(picture.file, kReferenceMaxBytes)));
    return head.ok() && head.value().format == PictureFormat::png;
  }

  Result<std::optional<Json>> find_or_send(const Picture& picture) {
    auto found = TRY(client_.find_reference(picture.original));
    if (found) return found;
    const auto bytes = TRY(read_file(picture.file, kReferenceMaxBytes));
    return std::optional(TRY(client_.send_reference(picture.original, bytes)));
  }

  void say_warnings(const Picture& picture, const Json& answer) {
    const auto found = answer.find("warnings");
    if (found == answer.end() || !found->is_array()) return;
    for (const Json& warning : *found) {
      if (!warning.is_string() || ++warnings_ > kWarningsNamed) continue;
      if (draws()) console_.out << "\n";
      console_.err << "pirouette: " << picture.place << ": "
                   << printable(warning.get<std::string>()) << "\n";
    }
  }

  bool draws() const { return console_.terminal && !console_.json; }

  void show_progress(std::size_t done) {
    if (!draws()) return;
    const std::size_t all = submission_.pictures.size();
    console_.out << "\r" << progress_bar(done, all, 20) << " " << done << " of "
                 << count_of(all, "reference") << " on the farm" << std::flush;
  }

  Client& client_;
  Submission& submission_;
  Console& console_;
  Problems problems_;
  std::map<Digest, Digest> became_;  // by original
  std::size_t warnings_ = 0;
};

}  // namespace

Result<void> upload(Client& client, Submission& submission, Console& console) {
  return Upload(client, submission, console).run();
}

}  // namespace pirouette::ctl
