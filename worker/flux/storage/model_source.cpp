#include "worker/flux/storage/model_source.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/files.h"
#include "worker/flux/storage/config.h"
#include "worker/flux/storage/refusals.h"
#include "worker/flux/storage/tensor_folder.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSideFileMaxBytes = 1u << 20;
constexpr const char* kSideFile = "pirouette.json";

// ComfyUI's folders (its folder_paths.py), new names and old.
const std::vector<std::string> kTransformerFolders = {"diffusion_models", "unet", "checkpoints"};
const std::vector<std::string> kEncoderFolders = {"text_encoders", "clip"};
const std::vector<std::string> kAutoencoderFolders = {"vae"};
constexpr int kParentsMax = 4;  // that a file may lie below such a folder

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool has_any(const fs::path& folder, const std::vector<std::string>& names) {
  return std::ranges::any_of(names,
                             [&](const std::string& name) { return is_folder(folder / name); });
}

bool is_diffusers(const fs::path& folder) {
  return is_folder(folder / "text_encoder") && is_folder(folder / "text_encoder_2");
}

std::vector<fs::path> below(const fs::path& folder, const std::vector<std::string>& names) {
  std::vector<fs::path> folders;
  for (const std::string& name : names) folders.push_back(folder / name);
  return folders;
}

std::string shown(const fs::path& folder, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += (text.empty() ? "" : ", ") + (folder / name).string();
  return text;
}

// The part of that kind among a file's; the file is known to exist.
Result<Part> take_part(std::vector<Part>& parts, PartKind kind, const fs::path& path) {
  const auto found = std::ranges::find(parts, kind, &Part::kind);
  if (found != parts.end()) return std::move(*found);
  return Error{Errc::invalid, path.string() + " holds the " +
                                  std::string(part_title(parts.front().kind)) + " where the " +
                                  std::string(part_title(kind)) + " should be"};
}

Result<Part> open_part(const fs::path& path, PartKind kind) {
  auto parts = TRY(recognise(TRY(open_tensor_file(path))));
  return take_part(parts, kind, path);
}

// config.json may say that the weights are quantised in a way that their names do not show.
Result<void> check_config(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  if (!is_file(path)) return {};
  const auto config = TRY(load_config(path));
  const auto quantised = config.find("quantization_config");
  if (quantised == config.end() || !quantised->is_object()) return {};
  const auto method = quantised->find("quant_method");
  if (method == quantised->end() || !method->is_string()) return {};
  return check_quantisation(method->get<std::string>(), path.string());
}

Result<Part> open_diffusers_part(const fs::path& model, PartKind kind) {
  const fs::path folder = model / part_name(kind);
  TRY(check_config(folder));
  return open_part(folder, kind);
}

// The parts beside a transformer: what pirouette.json names, else what the folder has.
class Companions {
 public:
  Companions(fs::path root, SideFile side, bool comfyui)
      : root_(std::move(root)), side_(std::move(side)), comfyui_(comfyui) {}

  Result<Part> find(PartKind kind, const Part* transformer,
                    const std::vector<std::string>& names) const {
    const auto named = side_.files.find(std::string(part_name(kind)));
    if (named != side_.files.end()) return open_part(root_ / named->second, kind);
    const auto folders = comfyui_ ? below(root_, names) : std::vector<fs::path>{root_};
    return choose_part(TRY(scan_folders(folders, comfyui_)), kind, transformer,
                       comfyui_ ? shown(root_, names) : root_.string());
  }

 private:
  fs::path root_;
  SideFile side_;
  bool comfyui_;
};

// The pirouette.json of the first of these folders that has one.
Result<SideFile> load_side_file(const std::vector<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    const fs::path path = folder / kSideFile;
    if (!is_file(path)) continue;
    auto side = parse_side_file(TRY(read_file(path, kSideFileMaxBytes)));
    if (!side.ok()) return Error{side.error().code, path.string() + ": " + side.error().what};
    return side;
  }
  return SideFile{};
}

// The models/ folder that a file lies in: the parent of the diffusion_models, unet or checkpoints
// above it.
std::optional<fs::path> find_models_folder(const fs::path& file) {
  fs::path folder = fs::absolute(file).lexically_normal().parent_path();
  for (int i = 0; i < kParentsMax && folder.has_relative_path(); ++i) {
    if (std::ranges::find(kTransformerFolders, folder.filename().string()) !=
        kTransformerFolders.end())
      return folder.parent_path();
    folder = folder.parent_path();
  }
  return std::nullopt;
}

// What the transformer's file does not hold itself comes from beside it.
Result<void> add_companions(ModelSource& source, std::vector<Part> own, const Companions& beside) {
  const auto find = [&](PartKind kind, const std::vector<std::string>& names) -> Result<Part> {
    const auto found = std::ranges::find(own, kind, &Part::kind);
    if (found != own.end()) return std::move(*found);
    return beside.find(kind, &source.transformer, names);
  };
  const bool all = own.size() == 4;
  source.clip = TRY(find(PartKind::clip, kEncoderFolders));
  source.t5 = TRY(find(PartKind::t5, kEncoderFolders));
  source.autoencoder = TRY(find(PartKind::autoencoder, kAutoencoderFolders));
  if (all) source.layout = Layout::checkpoint;
  return {};
}

Result<ModelSource> find_in_diffusers(const fs::path& folder) {
  ModelSource source;
  source.transformer = TRY(open_diffusers_part(folder, PartKind::transformer));
  source.clip = TRY(open_diffusers_part(folder, PartKind::clip));
  source.t5 = TRY(open_diffusers_part(folder, PartKind::t5));
  source.autoencoder = TRY(open_diffusers_part(folder, PartKind::autoencoder));
  source.numbers = TRY(load_diffusers_numbers(folder));
  source.tokenizers = folder;
  return source;
}

Result<ModelSource> find_in_folder(const fs::path& folder) {
  const bool comfyui = has_any(folder, kTransformerFolders);
  const SideFile side = TRY(load_side_file({folder}));
  const Companions beside(folder, side, comfyui);
  ModelSource source;
  source.layout = comfyui ? Layout::comfyui : Layout::single_file;
  source.numbers = side.numbers;
  source.tokenizers = folder;
  auto found = beside.find(PartKind::transformer, nullptr, kTransformerFolders);
  if (!found.ok() && found.error().code == Errc::not_found && !comfyui)
    return Error{
        Errc::not_found,
        folder.string() +
            " is no model: it is neither a diffusers folder (model_index.json, transformer/ "
            "…) nor ComfyUI's models/ (diffusion_models/, text_encoders/ …), and " +
            found.error().what};
  source.transformer = TRY(std::move(found));
  std::vector<Part> own;
  if (!source.transformer.prefix.empty())  // it may be a checkpoint with everything in it
    own = TRY(recognise(TRY(open_tensor_file(source.transformer.file.path))));
  TRY(add_companions(source, std::move(own), beside));
  return source;
}

Result<ModelSource> find_beside_file(const fs::path& file) {
  std::vector<Part> own = TRY(recognise(TRY(open_tensor_file(file))));
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  ModelSource source;
  source.transformer = TRY(take_part(own, PartKind::transformer, file));
  const auto models = find_models_folder(file);
  const fs::path root = models.value_or(folder);
  if (!models && is_diffusers(folder) && own.size() == 1) {
    source.layout = Layout::single_file;
    source.clip = TRY(open_diffusers_part(folder, PartKind::clip));
    source.t5 = TRY(open_diffusers_part(folder, PartKind::t5));
    source.autoencoder = TRY(open_diffusers_part(folder, PartKind::autoencoder));
    source.numbers = TRY(load_diffusers_numbers(folder));
    source.tokenizers = folder;
    return source;
  }
  const SideFile side = TRY(load_side_file({folder, root}));
  source.layout = models ? Layout::comfyui : Layout::single_file;
  source.numbers = side.numbers;
  source.tokenizers = root;
  TRY(add_companions(source, std::move(own), Companions(root, side, models.has_value())));
  return source;
}

bool has_tokenizers(const fs::path& folder) {
  return is_folder(folder / "tokenizer") && is_folder(folder / "tokenizer_2");
}

}  // namespace

std::string_view layout_title(Layout layout) {
  switch (layout) {
    case Layout::diffusers:
      return "diffusers folder";
    case Layout::single_file:
      return "single file";
    case Layout::comfyui:
      return "ComfyUI models folder";
    case Layout::checkpoint:
      return "checkpoint of all parts";
  }
  return "";
}

Result<ModelSource> find_weights(const fs::path& model) {
  std::error_code ignored;
  if (!fs::exists(model, ignored))
    return Error{Errc::not_found, model.string() + ": there is no such file or folder"};
  if (!is_folder(model)) return find_beside_file(model);
  if (is_folder(model / "transformer")) return find_in_diffusers(model);
  return find_in_folder(model);
}

Result<ModelNumbers> find_numbers(const fs::path& part, PartKind kind) {
  const fs::path folder = is_folder(part) ? part : fs::absolute(part).parent_path();
  if (is_file(folder / "config.json")) {
    ModelNumbers numbers;
    TRY(read_numbers(TRY(load_config(folder / "config.json")), std::string(part_name(kind)),
                     numbers));
    return numbers;
  }
  const fs::path above = folder.parent_path();  // models/ of models/vae/ae.safetensors
  return TRY(load_side_file({folder, find_models_folder(part).value_or(above), above})).numbers;
}

Result<ModelSource> find_model(const fs::path& model, const std::optional<fs::path>& tokenizers) {
  ModelSource source = TRY(find_weights(model));
  const fs::path root = tokenizers.value_or(source.tokenizers);
  std::vector<fs::path> places = {root};
  if (!tokenizers) places = {root / "tokenizers", root};
  for (const fs::path& place : places) {
    if (!has_tokenizers(place)) continue;
    source.tokenizers = place;
    return source;
  }
  return Error{Errc::not_found,
               places.front().string() +
                   " has no tokenizer/ and tokenizer_2/: take them from FLUX.1-Kontext-dev's "
                   "repository, and give the folder they are in with --tokenizers" +
                   (tokenizers ? "" : ", or put them there")};
}

}  // namespace pirouette::flux
