// The engine at full size on a GPU, through the same calls that the worker makes. Prints; never
// passes or fails. bench_gpu FOLDER GOLDEN: the model is written to FOLDER (26 GB) unless it is
// there; GOLDEN is tests/data/tiny-kontext, for tokenizers.

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "tests/bench/gpu/clock.h"
#include "tests/bench/gpu/fp8_bench.h"
#include "tests/bench/gpu/full_size_model.h"
#include "tests/bench/gpu/step_bench.h"
#include "tests/bench/gpu/train_bench.h"
#include "worker/flux/device.h"
#include "worker/flux/kontext.h"

namespace pirouette::flux::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kGib = 1024.0 * 1024 * 1024;

template <typename T>
T get(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "bench_gpu: %s\n", result.error().what.c_str());
  std::exit(1);
}
void get(const Result<void>& result) {
  if (result.ok()) return;
  std::fprintf(stderr, "bench_gpu: %s\n", result.error().what.c_str());
  std::exit(1);
}

double used_gib(at::Device device) {
  const DeviceMemory memory = ask_memory(device);
  return static_cast<double>(memory.total_bytes - memory.free_bytes) / kGib;
}

// What the kernel keeps of files goes, so that the next read is the disk's. Needs root.
bool forget_files() {
  ::sync();
  std::ofstream out("/proc/sys/vm/drop_caches");
  return static_cast<bool>(out << 3 << std::flush);
}

Image striped(int width, int height) {
  Image image{width, height, 3, {}};
  for (int i = 0; i < width * height * 3; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>((i * 7 + i / (width * 3) * 11) % 256));
  return image;
}

struct Bench {
  fs::path folder, golden;
  at::Device device;
  KontextFiles files;
  double model_gib = 0;

  Kontext load(PristineAt at) const {
    return get(Kontext::load(files, at::kBFloat16, device, {at, /*text_encoders=*/false}));
  }
  std::vector<ScaledLora> lora(double scale) const {
    return {{get(load_lora(folder / "lora.safetensors")), scale}};
  }
  void write();
  void pose(Kontext& kontext, const std::string& note) const;
  void merged_only() const;
  void pristine_on_device() const;
  void pristine_on_host() const;
  void training() const;
  void float8() const;
};

void Bench::write() {
  heading("files");
  if (!fs::exists(folder / "lora.safetensors")) {
    const double ms = host_ms([&] {
      get(write_full_size_model(folder, golden, device));
      get(write_full_size_lora(folder / "lora.safetensors", 32, device));
    });
    line("random weights made and written", ms / 1e3, "s");
  }
  give_back_memory(device);
  model_gib =
      static_cast<double>(fs::file_size(folder / "diffusion_models/kontext.safetensors")) / kGib;
  line("the transformer's file", model_gib, "GiB");
  files = {folder, golden};
}

void Bench::pose(Kontext& kontext, const std::string& note) const {
  get(kontext.bring_text_encoders());
  RenderRequest request;
  request.prompt = get(kontext.embed_text("back view of the character, full body, A-pose", 512));
  kontext.release_text_encoders();
  const Image picture = striped(832, 1248);
  ReferenceSize size;
  const double first_encode =
      host_ms([&] { request.reference = get(kontext.encode_reference(picture, size)); });
  const double encode =
      host_ms([&] { request.reference = get(kontext.encode_reference(picture, size)); });
  line("pose: reference encoded, the first time", first_encode, "ms", note);
  line("pose: reference encoded, with resizing on the host", encode, "ms", note);
  request.width = 832;
  request.height = 1248;
  request.steps = 24;
  request.seed = 7;
  for (const char* which : {"first", "second", "third"}) {
    ++request.seed;
    const double ms = host_ms([&] { (void)get(kontext.render(request)); });
    line(std::string("pose: 24 steps at 832 x 1248, ") + which, ms / 1e3, "s", note);
  }
  line("memory in use on the device after it", used_gib(device), "GiB", note);
}

void Bench::merged_only() const {
  heading("merged only");
  const bool cold = forget_files();
  {
    std::optional<Kontext> kontext;
    const double ms = host_ms([&] { kontext.emplace(load(PristineAt::file)); });
    line("weights from the disk to ready", ms / 1e3, "s", cold ? "nothing cached" : "maybe cached");
    line("  rate", model_gib * kGib / 1e9 / (ms / 1e3), "GB/s");
    line("memory in use, loaded", used_gib(device), "GiB");
    const auto some = lora(1.0);
    const double merged = host_ms([&] { get(kontext->variants().select("one", some)); });
    line("LoRA of rank 32 merged in place from the file", merged, "ms");
    pose(*kontext, "merged only");
  }
  give_back_memory(device);
}

void Bench::pristine_on_device() const {
  heading("pristine on device");
  std::optional<Kontext> kontext;
  const double ms = host_ms([&] { kontext.emplace(load(PristineAt::device)); });
  line("weights from the kernel's cache to ready", ms / 1e3, "s");
  line("  rate", model_gib * kGib / 1e9 / (ms / 1e3), "GB/s");
  Variants& variants = kontext->variants();
  std::vector<ScaledLora> one;
  line("LoRA file read", host_ms([&] { one = lora(1.0); }), "ms");
  const std::vector<ScaledLora> two = lora(0.5);
  line("LoRA of rank 32 over 494 modules merged, the first",
       host_ms([&] { get(variants.select("one", one)); }), "ms");
  variants.drop("one");
  line("LoRA of rank 32 over 494 modules merged, again",
       host_ms([&] { get(variants.select("one", one)); }), "ms");
  variants.drop("one");
  line("LoRA of rank 32 over 494 modules merged, another scale",
       host_ms([&] { get(variants.select("two", two)); }), "ms");
  line("switch to pristine and back, each", host_ms([&] {
                                              for (int i = 0; i < 50; ++i) {
                                                get(variants.select("", {}));
                                                get(variants.select("two", {}));
                                              }
                                            }) / 100,
       "ms");
  heading("one step: 1024 x 1024, reference 1024 x 1024, 512 text tokens, LoRA merged");
  const Ceilings ceilings = measure_ceilings(device);
  const double step = measure_step(*variants.find_selected(), ceilings, device);
  measure_parts(step, device);
  heading("pictures");
  {
    const Autoencoder autoencoder = get(Autoencoder::load(
        get(load_weights(folder / "vae/ae.safetensors")).to(at::kBFloat16, device), {}));
    measure_autoencoder(autoencoder, device);
  }
  pose(*kontext, "pristine on device");
}

void Bench::pristine_on_host() const {
  heading("pristine on host");
  std::optional<Kontext> kontext;
  const double ms = host_ms([&] { kontext.emplace(load(PristineAt::host)); });
  line("weights from the kernel's cache to ready, pinned", ms / 1e3, "s");
  const auto one = lora(1.0), two = lora(0.5);
  line("LoRA of rank 32 merged from the host, the first",
       host_ms([&] { get(kontext->variants().select("one", one)); }), "ms");
  line("LoRA of rank 32 merged from the host, another",
       host_ms([&] { get(kontext->variants().select("two", two)); }), "ms");
}

void Bench::float8() const {
  heading("float8");
  give_back_memory(device);
  measure_float8(files, lora(1.0), device);
}

void Bench::training() const {
  heading("training: a LoRA of rank 32 on the full-size model, gradients block by block");
  const Ceilings ceilings = measure_ceilings(device);
  give_back_memory(device);
  measure_training(files.model, *files.tokenizers, ceilings, device);
}

}  // namespace
}  // namespace pirouette::flux::bench

int main(int argc, char** argv) {
  using namespace pirouette::flux;
  if (argc < 3) {
    std::fprintf(stderr, "bench_gpu FOLDER GOLDEN [all|step|host|train|fp8|write]\n");
    return 2;
  }
  const at::NoGradGuard no_grad;
  const std::string what = argc > 3 ? argv[3] : "all";
  bench::Bench run{argv[1], argv[2], bench::get(parse_device("cuda")), {}, 0};
  prepare(run.device);
  at::manual_seed(1);
  std::printf("%s, %s\n", device_name(run.device).c_str(), torch_version().c_str());
  run.write();
  if (what == "fp8") {
    run.float8();
    return 0;
  }
  if (what == "write") return 0;
  if (what == "train") {
    run.training();
    return 0;
  }
  if (what == "all") run.merged_only();
  run.pristine_on_device();
  give_back_memory(run.device);
  if (what != "step") run.pristine_on_host();
  return 0;
}
