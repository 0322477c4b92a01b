#include "tests/bench/gpu/fp8_bench.h"

#include <c10/cuda/CUDACachingAllocator.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "tests/bench/gpu/clock.h"
#include "tests/bench/gpu/step_bench.h"
#include "worker/flux/cuda/fast_transformer.h"
#include "worker/flux/cuda/fp8_kernels.h"
#include "worker/flux/cuda/fp8_product.h"
#include "worker/flux/device.h"
#include "worker/flux/fp8.h"

namespace pirouette::flux::bench {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr int64_t kWidth = 3072, kTokens = 8704;

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

// What goes wrong in one part must not hide the others.
void attempt(const std::string& what, const std::function<void()>& part) {
  try {
    part();
  } catch (const std::exception& e) {
    std::printf("| %s: FAILED: %s\n", what.c_str(), std::string(e.what()).substr(0, 600).c_str());
    std::fflush(stdout);
  }
}

double used_gib(at::Device device) {
  const DeviceMemory memory = ask_memory(device);
  return static_cast<double>(memory.total_bytes - memory.free_bytes) / kGib;
}

struct Difference {
  double relative = 0, cosine = 0;
};
Difference compare(const Tensor& got, const Tensor& wanted) {
  const Tensor a = got.flatten().to(at::kDouble), b = wanted.flatten().to(at::kDouble);
  return {((a - b).norm() / b.norm()).item<double>(),
          (a.dot(b) / (a.norm() * b.norm())).item<double>()};
}
void show(const std::string& what, const Difference& difference) {
  char note[64];
  std::snprintf(note, sizeof note, "cosine %.6f", difference.cosine);
  line(what, 100 * difference.relative, "%", note);
}

Tensor random(at::IntArrayRef shape, at::Device device, double scale = 1) {
  return (at::randn(shape, at::TensorOptions().dtype(at::kFloat).device(device)) * scale)
      .to(at::kBFloat16);
}

// ---- one product, by torch and by cuBLASLt's proposals

void measure_product(const std::string& what, int times, int64_t rows, int64_t out, int64_t in,
                     int64_t out_stride, at::Device device) {
  const Tensor x = random({rows, in}, device), to = random({rows, out_stride}, device);
  const Tensor into = to.slice(1, 0, out);
  Fp8Rows weight = quantise_rows(random({out, in}, device, 0.02));
  const Fp8Rows fed = quantise_rows(x);
  Linear linear{weight.bytes, random({out}, device)};
  linear.scales = weight.scales;
  const double tflop =
      2e-12 * static_cast<double>(rows) * static_cast<double>(out) * static_cast<double>(in);
  const auto add = [&](const std::string& by, double ms, const std::string& note) {
    char rate[48];
    std::snprintf(rate, sizeof rate, "%.0f TFLOP/s ", tflop / ms * 1e3);
    line(what + " x " + std::to_string(times) + by, times * ms, "ms", rate + note);
  };
  for (const auto& [by, name] :
       {std::pair(cuda::Fp8By::torch, ", torch"), {cuda::Fp8By::cublaslt, ", cuBLASLt"}})
    attempt(what + name, [&, by = by, name = name] {
      cuda::multiply_fp8_by(by);
      add(name, device_ms_in_a_row(device, 10, [&] { cuda::multiply_into(into, fed, linear); }),
          "");
    });
  cuda::multiply_fp8_by(cuda::Fp8By::best);
  attempt(what + ", proposals", [&] {
    auto proposals = cuda::time_proposals(into, fed, linear, 12);
    add(", the first", proposals.front().ms, proposals.front().what);
    std::ranges::sort(proposals, {}, &cuda::Proposal::ms);
    for (std::size_t i = 0; i < std::min<std::size_t>(3, proposals.size()); ++i)
      add(", of the best", proposals[i].ms, proposals[i].what);
  });
}

void measure_products(at::Device device) {
  heading("float8: products alone");
  const int64_t image = 8192, text = 512;
  measure_product("double image qkv", 19, image, 3 * kWidth, kWidth, 7 * kWidth, device);
  measure_product("double image proj", 19, image, kWidth, kWidth, kWidth, device);
  measure_product("double image mlp in", 19, image, 4 * kWidth, kWidth, 7 * kWidth, device);
  measure_product("double image mlp out", 19, image, kWidth, 4 * kWidth, kWidth, device);
  measure_product("double text qkv", 19, text, 3 * kWidth, kWidth, 7 * kWidth, device);
  measure_product("double text mlp out", 19, text, kWidth, 4 * kWidth, kWidth, device);
  measure_product("single qkv", 38, kTokens, 3 * kWidth, kWidth, 7 * kWidth, device);
  measure_product("single mlp in", 38, kTokens, 4 * kWidth, kWidth, 7 * kWidth, device);
  measure_product("single linear2", 38, kTokens, kWidth, 5 * kWidth, kWidth, device);
}

void measure_passes(at::Device device) {
  heading("float8: passes alone");
  const cudaStream_t stream = cuda::current_stream(device);
  const Tensor wide = random({kTokens, 7 * kWidth}, device), x = random({kTokens, kWidth}, device);
  const Tensor bytes = at::empty({kTokens, 5 * kWidth}, x.options().dtype(at::kByte)),
               scales = at::empty({kTokens}, x.options().dtype(at::kFloat));
  cuda::QuantiseRows q;
  q.bytes = bytes.data_ptr<std::uint8_t>();
  q.scales = scales.data_ptr<float>();
  q.rows = kTokens;
  const auto add = [&](const char* what, int times) {
    const double ms = device_ms_in_a_row(device, 20, [&] { cuda::quantise_rows(q, stream); });
    const double moved = 3e-9 * static_cast<double>(kTokens * (q.first_width + q.second_width));
    char note[48];
    std::snprintf(note, sizeof note, "%.2f TB/s", moved / ms);
    line(what, times * ms, "ms", note);
  };
  q.first = cuda::address(x);
  q.first_stride = q.first_width = kWidth;
  add("attention quantised x 19", 19);
  q.second = cuda::address(wide) + 3 * kWidth;
  q.second_stride = 7 * kWidth;
  q.second_width = 4 * kWidth;
  add("attention, GELU of the MLP, quantised x 38", 38);
  q.first_width = 0;
  add("GELU of the MLP quantised x 19", 19);
}

// ---- the error, kind by kind

using Names = std::vector<std::string>;

bool ends_in(const std::string& name, const Names& ends) {
  return std::ranges::any_of(ends, [&](const std::string& end) { return name.ends_with(end); });
}

Transformer with_fp8(const Tensors& tensors, const Names& ends) {
  Tensors some = tensors;
  for (const auto& [name, tensor] : tensors) {
    if (!becomes_fp8(name, tensor) || !ends_in(name, ends)) continue;
    const Fp8Rows rows = quantise_rows(tensor);
    some[name] = rows.bytes;
    some[scale_name(name)] = rows.scales;
  }
  return get(Transformer::load(Weights(std::move(some), "random"), kFluxRopeAxes));
}

// What they would lose as float8 weights alone, computed in bfloat16.
Transformer with_rounded(const Tensors& tensors, const Names& begins, const Names& ends) {
  Tensors some = tensors;
  for (const auto& [name, tensor] : tensors) {
    const bool begins_so = std::ranges::any_of(
        begins, [&](const std::string& begin) { return name.starts_with(begin); });
    if (tensor.dim() != 2 || !(begins_so || ends_in(name, ends))) continue;
    some[name] = widen_rows(quantise_rows(tensor), at::kBFloat16);
  }
  return get(Transformer::load(Weights(std::move(some), "random"), kFluxRopeAxes));
}

void measure_errors(const Tensors& tensors, const TransformerInput& input, const Tensor& wanted) {
  heading("float8: error of the velocity against bfloat16, one kind at a time");
  const Names qkv = {"_attn.qkv.weight"}, proj = {"_attn.proj.weight"}, in = {"_mlp.0.weight"},
              out = {"_mlp.2.weight"}, one = {"linear1.weight"}, two = {"linear2.weight"};
  const std::pair<const char*, Names> kinds[] = {
      {"qkv of double blocks", qkv},     {"proj of double blocks", proj},
      {"mlp in of double blocks", in},   {"mlp out of double blocks", out},
      {"linear1 of single blocks", one}, {"linear2 of single blocks", two},
      {"all of them", {".weight"}}};
  for (const auto& [what, ends] : kinds)
    attempt(what, [&, what = what, ends = ends] {
      show(std::string("float8: ") + what, compare(with_fp8(tensors, ends)(input), wanted));
    });
  const std::tuple<const char*, Names, Names> kept[] = {
      {"embedders", {"img_in", "txt_in", "time_in", "vector_in", "guidance_in"}, {}},
      {"modulations", {}, {"_mod.lin.weight", "modulation.lin.weight"}},
      {"last layer", {"final_layer."}, {}}};
  for (const auto& [what, begins, ends] : kept)
    attempt(what, [&, what = what, begins = begins, ends = ends] {
      show(std::string("kept in bfloat16, would cost: ") + what,
           compare(with_rounded(tensors, begins, ends)(input), wanted));
    });
}

// ---- a whole run

RenderRequest request_for(Kontext& kontext, int width, int height) {
  get(kontext.bring_text_encoders());
  RenderRequest request;
  request.prompt = get(kontext.embed_text("back view of the character, full body, A-pose", 512));
  kontext.release_text_encoders();
  Image picture{width, height, 3, {}};
  for (int i = 0; i < width * height * 3; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>((i * 7 + i / (width * 3) * 11) % 256));
  request.reference = get(kontext.encode_reference(picture, {}));
  request.width = width;
  request.height = height;
  request.steps = 24;
  request.seed = 7;
  return request;
}

Kontext load(const KontextFiles& files, PristineAt at, bool fp8, at::Device device,
             bool modulations_on_host = false) {
  Placement placement;
  placement.modulations_on_host = modulations_on_host;
  placement.pristine = at;
  placement.text_encoders = false;
  placement.fp8 = fp8;
  return get(Kontext::load(files, at::kBFloat16, device, placement));
}

// As torch.cuda.set_per_process_memory_fraction has it: the allocator's, CUDA's own beside it.
void measure_under_cap(const Kontext& kontext, const RenderRequest& request, double cap_gib,
                       at::Device device) {
  const double total = static_cast<double>(ask_memory(device).total_bytes) / kGib;
  give_back_memory(device);
  allocator::resetPeakStats(device.index());
  allocator::setMemoryFraction(cap_gib / total, device.index());
  const std::string what = std::to_string(request.width) + " x " + std::to_string(request.height) +
                           ", allocator capped at " + std::to_string(cap_gib).substr(0, 5) + " GiB";
  attempt(what, [&] {
    const double ms = host_ms([&] { (void)get(kontext.render(request)); });
    line("pose of 24 steps, " + what, ms / 1e3, "s");
    line("  the allocator's most",
         static_cast<double>(allocator::getDeviceStats(device.index()).reserved_bytes[0].peak) /
             kGib,
         "GiB");
    line("  in use on the device after it, CUDA's own too", used_gib(device), "GiB");
  });
  allocator::setMemoryFraction(1.0, device.index());
}

// wide: the final latents of the same run in bfloat16.
void measure_run(const KontextFiles& files, const std::vector<ScaledLora>& lora, const Tensor& wide,
                 bool modulations_on_host, at::Device device) {
  const std::string note = modulations_on_host ? "modulations on the host" : "all on the device";
  std::optional<Kontext> kontext;
  line("in use on the device before, CUDA's own", used_gib(device), "GiB");
  const double loaded = host_ms(
      [&] { kontext.emplace(load(files, PristineAt::file, true, device, modulations_on_host)); });
  line("weights from the kernel's cache to ready", loaded / 1e3, "s", note);
  give_back_memory(device);
  line("in use on the device before any run", used_gib(device), "GiB", note);
  const RenderRequest request = request_for(*kontext, 832, 1248);
  Tensor got;
  for (const char* which : {"first", "second", "third"}) {
    const double ms = host_ms([&] { got = get(kontext->render(request)).latents; });
    line(std::string("pose of 24 steps at 832 x 1248, float8, ") + which, ms / 1e3, "s", note);
  }
  show("final latents against bfloat16's", compare(got, wide));
  line("in use on the device after it", used_gib(device), "GiB", note);
  const RenderRequest square = request_for(*kontext, 1024, 1024);
  for (const double cap : {22.0, 16.0, 14.0, 12.0}) {
    measure_under_cap(*kontext, request, cap, device);
    measure_under_cap(*kontext, square, cap, device);
  }
  line("LoRA of rank 32 merged in place from the file",
       host_ms([&] { get(kontext->variants().select("one", lora)); }), "ms", note);
}

void measure_loras(const KontextFiles& files, const std::vector<ScaledLora>& lora,
                   at::Device device) {
  heading("float8: LoRAs, pristine on device");
  std::optional<Kontext> kontext;
  const double ms =
      host_ms([&] { kontext.emplace(load(files, PristineAt::device, true, device)); });
  line("weights from the kernel's cache to ready, wide and float8", ms / 1e3, "s");
  line("in use on the device", used_gib(device), "GiB");
  Variants& variants = kontext->variants();
  for (const char* which : {"the first", "again"}) {
    line(std::string("LoRA of rank 32 merged and quantised, ") + which,
         host_ms([&] { get(variants.select("one", lora)); }), "ms");
    if (which == std::string("the first")) variants.drop("one");
  }
  line("in use on the device with it", used_gib(device), "GiB");
  line("switch to pristine and back, each", host_ms([&] {
                                              for (int i = 0; i < 50; ++i) {
                                                get(variants.select("", {}));
                                                get(variants.select("one", {}));
                                              }
                                            }) / 100,
       "ms");
}

// ---- T5 at its true size, random weights

Tensors random_t5(at::Device made_on) {
  constexpr int64_t kText = 4096, kFeed = 10240;
  Tensors tensors;
  const auto add = [&](const std::string& name, at::IntArrayRef shape, double scale, double mean) {
    tensors[name] = (random(shape, made_on, scale) + mean).cpu();
  };
  add("shared.weight", {32128, kText}, 1, 0);
  for (int i = 0; i < 24; ++i) {
    const std::string at = "encoder.block." + std::to_string(i) + ".layer.";
    for (const char* part : {"q", "k", "v", "o"})
      add(at + "0.SelfAttention." + part + ".weight", {kText, kText}, 0.01, 0);
    if (i == 0) add(at + "0.SelfAttention.relative_attention_bias.weight", {32, 64}, 0.1, 0);
    add(at + "0.layer_norm.weight", {kText}, 0.1, 1);
    for (const char* part : {"wi_0", "wi_1"})
      add(at + "1.DenseReluDense." + part + ".weight", {kFeed, kText}, 0.01, 0);
    add(at + "1.DenseReluDense.wo.weight", {kText, kFeed}, 0.01, 0);
    add(at + "1.layer_norm.weight", {kText}, 0.1, 1);
  }
  add("encoder.final_layer_norm.weight", {kText}, 0.1, 1);
  return tensors;
}

void measure_t5(at::Device device) {
  heading("T5 at its true size, 512 tokens");
  const Tensors tensors = random_t5(device);
  give_back_memory(device);
  const std::vector<std::int64_t> ids(512, 3);
  const auto time = [&](const std::string& what, const Weights& weights, bool streams, int rounds) {
    T5Encoder encoder = get(T5Encoder::load(weights));
    if (streams) encoder.compute_on(device);
    Tensor out;
    for (int round = 1; round <= rounds; ++round)
      line(what + ", round " + std::to_string(round),
           host_ms([&] { out = get(encoder.encode(ids)); }) / 1e3, "s");
    return out.cpu();
  };
  allocator::resetPeakStats(device.index());
  const Tensor streamed = time("its weights crossing in turn", Weights(tensors, "t5"), true, 2);
  line("  the allocator's most",
       static_cast<double>(allocator::getDeviceStats(device.index()).reserved_bytes[0].peak) / kGib,
       "GiB");
  std::optional<Weights> there;
  line("all of it brought to the device",
       host_ms([&] { there.emplace(Weights(tensors, "t5").to(at::kBFloat16, device)); }) / 1e3,
       "s");
  const Tensor resident = time("on the device", *there, false, 2);
  show("  against the crossing one", compare(resident, streamed));
  there.reset();
  give_back_memory(device);
  const Tensor on_host = time("on the CPU", Weights(tensors, "t5"), false, 1);
  show("  against the crossing one", compare(on_host, streamed));
}

}  // namespace

void measure_float8(const KontextFiles& files, const std::vector<ScaledLora>& lora,
                    at::Device device) {
  Tensor latents;
  double bf16_ms = 0;
  {
    (void)measure_ceilings(device);
    give_back_memory(device);
    Kontext kontext = load(files, PristineAt::file, false, device);
    const Transformer& model = *kontext.variants().find_selected();
    const TransformerInput input = full_size_input(device);
    heading("bfloat16, the same program");
    bf16_ms = measure_step_of_picture(model, input, device);
    const Tensor wanted = model(input);
    {
      const cuda::PlainOnly plain_only;
      show("bfloat16 by plain operations against it", compare(model(input), wanted));
    }
    attempt("errors", [&] { measure_errors(kontext.variants().tensors(), input, wanted); });
    attempt("step in float8", [&] {
      heading("float8: the step");
      const Transformer fp8 = with_fp8(kontext.variants().tensors(), {".weight"});
      for (const auto& [by, name] : {std::pair(cuda::Fp8By::torch, "products by torch"),
                                     {cuda::Fp8By::cublaslt, "products by cuBLASLt, its first"}})
        attempt(name, [&, by = by, name = name] {
          cuda::multiply_fp8_by(by);
          std::printf("%s\n", name);
          const double ms = measure_step_of_picture(fp8, input, device);
          const double floor = products_tflop() / 1501 * 1e3 + attention_tflop() / 672 * 1e3;
          line("step in float8", ms, "ms", name);
          line("  bfloat16 beside it", bf16_ms, "ms");
          line("  rate", (products_tflop() + attention_tflop()) / ms * 1e3, "TFLOP/s");
          line("  share of an H200's floor, 154 ms", 100 * floor / ms, "%");
        });
      cuda::multiply_fp8_by(cuda::Fp8By::best);
      bf16_ms = measure_step_of_picture(model, input, device);
      line("bfloat16 once more, warm", bf16_ms, "ms");
    });
    heading("bfloat16: a whole run");
    const RenderRequest request = request_for(kontext, 832, 1248);
    const double ms = host_ms([&] { latents = get(kontext.render(request)).latents; });
    line("pose of 24 steps at 832 x 1248, bfloat16, the first", ms / 1e3, "s");
  }
  give_back_memory(device);
  for (const bool modulations_on_host : {false, true}) {
    heading(std::string("float8: a whole run, merged only") +
            (modulations_on_host ? ", modulations on the host" : ""));
    attempt("whole run", [&] { measure_run(files, lora, latents, modulations_on_host, device); });
    give_back_memory(device);
  }
  attempt("products", [&] { measure_products(device); });
  attempt("passes", [&] { measure_passes(device); });
  give_back_memory(device);
  attempt("LoRAs", [&] { measure_loras(files, lora, device); });
  give_back_memory(device);
  attempt("T5", [&] { measure_t5(device); });
}

}  // namespace pirouette::flux::bench
