#include "index/gpu/gpu_index.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "index/gpu/row_layout.h"

#ifndef TAUD_CUDA

namespace taud::index {

bool FitsGpuIndex(size_t dim) { return DepthOf(dim) > 0; }

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildGpuIndex(
    const model::Snapshot&, int) {
  return absl::UnavailableError("this program was built without CUDA");
}

}  // namespace taud::index

#else

#include <algorithm>
#include <exception>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "device/cuda_memory.h"
#include "device/device.h"
#include "index/block_scan.h"
#include "index/eligibility.h"
#include "index/gpu/search_kernels.h"

namespace taud::index {
namespace {

using device::DeviceArray;
using device::PinnedArray;

// Maxima of the groups, for the queries of one launch: more queries than fit
// are searched in several launches.
constexpr size_t kMostMaxima = size_t{64} << 20;  // floats
// Queries of one launch at most: while the GPU searches some, the CPU prepares
// the next ones and takes in the results of the last.
constexpr size_t kMostQueries = 512;
// Filters of one launch at most, in words.
constexpr size_t kMostFilterWords = size_t{64} << 20;

// The memory of one launch.
struct Slot {
  PinnedArray<float> host_vectors;
  PinnedArray<uint32_t> host_numbers;
  PinnedArray<float> host_scores;
  PinnedArray<uint32_t> host_items;
  PinnedArray<int32_t> host_found;
  DeviceArray<float> vectors, bounds, maxima, scores;
  DeviceArray<uint4> halves;
  DeviceArray<uint32_t> numbers, filters, items;
  DeviceArray<uint64_t> filter_words;
  DeviceArray<int32_t> found;
  device::Event done;

  explicit Slot(const device::Stream* stream)
      : vectors(stream),
        bounds(stream),
        maxima(stream),
        scores(stream),
        halves(stream),
        numbers(stream),
        filters(stream),
        items(stream),
        filter_words(stream),
        found(stream) {}
};

// One GPU. Searches share a stream, and building and freeing indexes another:
// a new index is built beside searches, which do not wait for it. Lives as long
// as the program, so that an index can always free its memory.
struct Gpu {
  absl::Mutex mutex;  // of searching: the stream and the slots
  const device::Stream stream;
  Slot slots[2];

  absl::Mutex build_mutex;
  const device::Stream build_stream;

  explicit Gpu(int ordinal)
      : stream(ordinal, device::Stream::Priority::kHigh),
        slots{Slot(&stream), Slot(&stream)},
        build_stream(ordinal, device::Stream::Priority::kLow) {
    device::KeepFreedMemory(ordinal);
  }
};

// Throws CudaError if there is no such GPU.
Gpu& TheGpu(int ordinal) {
  static absl::Mutex& mutex = *new absl::Mutex;
  static auto& gpus = *new std::map<int, std::unique_ptr<Gpu>>;
  absl::MutexLock lock(&mutex);
  std::unique_ptr<Gpu>& gpu = gpus[ordinal];
  if (gpu == nullptr) gpu = std::make_unique<Gpu>(ordinal);
  return *gpu;
}

// What of a batch one launch searches: queries by position.
struct Launch {
  std::vector<size_t> which;
  std::vector<const model::Bitmap*> filters;  // distinct
  uint32_t most = 0;                          // the greatest k
};

class GpuIndex : public SearchIndex {
 public:
  GpuIndex(const model::Snapshot& snapshot, Gpu* gpu)
      : matrix_(&snapshot.items),
        eligibility_(snapshot),
        gpu_(gpu),
        halves_(&gpu->build_stream),
        exact_(&gpu->build_stream),
        bounds_(&gpu->build_stream),
        item_of_row_(&gpu->build_stream),
        row_of_item_(&gpu->build_stream) {
    absl::MutexLock lock(&gpu_->build_mutex);
    device::UseGpu(gpu_->stream.ordinal());
    try {
      if (size() > 0) Upload();
    } catch (...) {
      FreeRows();  // under the mutex
      throw;
    }
  }

  // No search reads the rows any more: each waits for its own to be done.
  ~GpuIndex() override {
    absl::MutexLock lock(&gpu_->build_mutex);
    (void)cudaSetDevice(gpu_->stream.ordinal());
    FreeRows();
  }

  std::string device() const override {
    return absl::StrCat("cuda:", gpu_->stream.ordinal());
  }
  IndexReport report() const override {
    IndexReport report;
    report.kind = "flat";
    report.kernel = "fp16-mma";
    report.bytes = halves_.bytes() + exact_.bytes() + item_of_row_.bytes() +
                   row_of_item_.bytes();
    return report;
  }
  size_t size() const override { return eligibility_.size(); }
  size_t dim() const override { return matrix_->cols; }

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    absl::Status status = CheckVectors(queries);
    if (!status.ok()) return status;
    try {
      // Their memory is used again.
      results->resize(queries.size());
      for (std::vector<Hit>& hits : *results) hits.clear();
      std::vector<size_t> on_cpu;
      SearchOnGpu(Plan(queries, &on_cpu), queries, results, &on_cpu);
      for (const size_t q : on_cpu) {
        TopOfFew(*matrix_, queries[q].vector, queries[q].k,
                 eligibility_.Allowed(queries[q]), &(*results)[q]);
      }
      return absl::OkStatus();
    } catch (const device::CudaError& error) {
      return absl::UnavailableError(
          absl::StrCat("searching on ", device(), ": ", error.what()));
    } catch (const std::exception& error) {
      return absl::InternalError(
          absl::StrCat("searching on ", device(), ": ", error.what()));
    }
  }

 private:
  void FreeRows() {
    const auto free = [this](auto* array) {
      *array = std::remove_pointer_t<decltype(array)>(&gpu_->build_stream);
    };
    free(&halves_);
    free(&exact_);
    free(&bounds_);
    free(&item_of_row_);
    free(&row_of_item_);
  }

  void Upload() ABSL_EXCLUSIVE_LOCKS_REQUIRED(gpu_->build_mutex) {
    std::vector<uint32_t> item_of_row;
    std::vector<int32_t> row_of_item(matrix_->rows, -1);
    eligibility_.indexed().ForEach([&](size_t item) {
      row_of_item[item] = static_cast<int32_t>(item_of_row.size());
      item_of_row.push_back(static_cast<uint32_t>(item));
    });
    rows_.layout.rows = static_cast<uint32_t>(item_of_row.size());
    rows_.layout.group = GroupRows(item_of_row.size());
    rows_.layout.depth = DepthOf(dim());
    rows_.dim = static_cast<uint32_t>(dim());
    rows_.quads = (rows_.dim + 3) / 4;
    rows_.items = static_cast<uint32_t>(matrix_->rows);
    halves_.Reserve(rows_.layout.words());
    exact_.Reserve((item_of_row.size() + 31) / 32 * 32 * rows_.quads);
    bounds_.Reserve(2);
    item_of_row_.FromHost(item_of_row.data(), item_of_row.size());
    row_of_item_.FromHost(row_of_item.data(), row_of_item.size());

    // The rows that can be found, one behind the other.
    DeviceArray<float> values(&gpu_->build_stream, item_of_row.size() * dim());
    for (size_t begin = 0; begin < item_of_row.size();) {
      size_t end = begin + 1;
      while (end < item_of_row.size() &&
             item_of_row[end] == item_of_row[end - 1] + 1) {
        ++end;
      }
      device::Check(
          cudaMemcpyAsync(values.data() + begin * dim(),
                          matrix_->Row(item_of_row[begin]),
                          (end - begin) * dim() * sizeof(float),
                          cudaMemcpyHostToDevice, gpu_->build_stream.get()),
          "copying items to the GPU");
      begin = end;
    }
    rows_.halves = halves_.data();
    rows_.exact = exact_.data();
    rows_.bounds = bounds_.data();
    rows_.item_of_row = item_of_row_.data();
    rows_.row_of_item = row_of_item_.data();
    PackRows(values.data(), rows_, gpu_->build_stream.get());
    device::CheckLaunch("packing items");
    gpu_->build_stream.Wait();
  }

  // Queries that ask for more than the kernels can go to the CPU.
  std::vector<Launch> Plan(absl::Span<const Query> queries,
                           std::vector<size_t>* on_cpu) const {
    std::vector<Launch> launches;
    if (size() == 0) return launches;
    const size_t most = std::clamp<size_t>(kMostMaxima / rows_.layout.groups(),
                                           1, kMostQueries);
    const size_t most_filters =
        std::max<size_t>(1, kMostFilterWords / ((rows_.layout.rows + 31) / 32));
    for (size_t q = 0; q < queries.size(); ++q) {
      const size_t k = std::min(queries[q].k, size());
      if (k == 0) continue;
      if (k > kMostBest) {
        on_cpu->push_back(q);
        continue;
      }
      if (launches.empty() || launches.back().which.size() == most ||
          launches.back().filters.size() >= most_filters) {
        launches.emplace_back();
      }
      Launch& launch = launches.back();
      launch.which.push_back(q);
      launch.most = std::max(launch.most, static_cast<uint32_t>(k));
      // Queries with the same filter mostly stand side by side.
      if (queries[q].eligible != nullptr &&
          (launch.filters.empty() ||
           launch.filters.back() != queries[q].eligible)) {
        launch.filters.push_back(queries[q].eligible);
      }
    }
    for (Launch& launch : launches) {
      auto& filters = launch.filters;
      std::sort(filters.begin(), filters.end());
      filters.erase(std::unique(filters.begin(), filters.end()), filters.end());
    }
    return launches;
  }

  void SearchOnGpu(const std::vector<Launch>& launches,
                   absl::Span<const Query> queries,
                   std::vector<std::vector<Hit>>* results,
                   std::vector<size_t>* on_cpu) const {
    absl::MutexLock lock(&gpu_->mutex);
    device::UseGpu(gpu_->stream.ordinal());
    try {
      for (size_t i = 0; i <= launches.size(); ++i) {
        if (i < launches.size()) {
          Begin(launches[i], queries, &gpu_->slots[i % 2]);
        }
        if (i > 0) {
          End(launches[i - 1], queries, &gpu_->slots[(i - 1) % 2], results,
              on_cpu);
        }
      }
    } catch (...) {
      // What was begun must not write into memory that is used again.
      (void)cudaStreamSynchronize(gpu_->stream.get());
      throw;
    }
  }

  // Starts a launch; its slot is taken until End.
  void Begin(const Launch& launch, absl::Span<const Query> queries,
             Slot* slot) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(gpu_->mutex) {
    const size_t n = launch.which.size();
    GpuQueries to;
    const size_t num_results = UploadQueries(launch, queries, slot, &to);
    UploadFilters(launch, slot, &to);

    slot->halves.Reserve((n + 15) / 16 * rows_.layout.depth * 32);
    slot->bounds.Reserve(2 * n);
    slot->maxima.Reserve(n * rows_.layout.groups());
    slot->scores.Reserve(num_results);
    slot->items.Reserve(num_results);
    slot->found.Reserve(n);
    to.halves = slot->halves.data();
    to.bounds = slot->bounds.data();
    to.maxima = slot->maxima.data();
    ScoreGroups(rows_, to, gpu_->stream.get());
    device::CheckLaunch("scoring");
    GpuResults from;
    from.scores = slot->scores.data();
    from.items = slot->items.data();
    from.found = slot->found.data();
    SelectBest(rows_, to, launch.most, from, gpu_->stream.get());
    device::CheckLaunch("selecting");

    slot->host_scores.Reserve(num_results);
    slot->host_items.Reserve(num_results);
    slot->host_found.Reserve(n);
    slot->scores.ToHost(slot->host_scores.data(), num_results);
    slot->items.ToHost(slot->host_items.data(), num_results);
    slot->found.ToHost(slot->host_found.data(), n);
    slot->done.Record(gpu_->stream);
  }

  // Waits for a launch and takes its results in.
  void End(const Launch& launch, absl::Span<const Query> queries, Slot* slot,
           std::vector<std::vector<Hit>>* results,
           std::vector<size_t>* on_cpu) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(gpu_->mutex) {
    slot->done.Wait();
    const uint32_t* items = slot->host_items.data();
    const float* scores = slot->host_scores.data();
    for (size_t i = 0; i < launch.which.size(); ++i) {
      const size_t q = launch.which[i];
      const int32_t found = slot->host_found.data()[i];
      if (found == GpuResults::kOverflow) on_cpu->push_back(q);
      std::vector<Hit>& hits = (*results)[q];
      hits.resize(static_cast<size_t>(std::max(found, 0)));
      for (size_t j = 0; j < hits.size(); ++j) {
        hits[j] = {items[j], scores[j]};
      }
      items += std::min(queries[q].k, size());
      scores += std::min(queries[q].k, size());
    }
  }

  // Vectors, depths, exclusions and which filter. Returns how many results
  // there can be.
  size_t UploadQueries(const Launch& launch, absl::Span<const Query> queries,
                       Slot* slot, GpuQueries* to) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(gpu_->mutex) {
    const size_t n = launch.which.size();
    size_t num_excluded = 0;
    for (const size_t q : launch.which) {
      num_excluded += queries[q].excluded.size();
    }
    slot->host_vectors.Reserve(n * dim());
    // k, where exclusions and results begin, the filter, the exclusions.
    const size_t count = 4 * n + 2 + num_excluded;
    slot->host_numbers.Reserve(count);
    uint32_t* const k = slot->host_numbers.data();
    uint32_t* const excluded_begin = k + n;
    uint32_t* const result_begin = excluded_begin + n + 1;
    uint32_t* const filter = result_begin + n + 1;
    uint32_t* excluded = filter + n;
    excluded_begin[0] = result_begin[0] = 0;
    float* vector = slot->host_vectors.data();
    for (size_t i = 0; i < n; ++i) {
      const Query& query = queries[launch.which[i]];
      vector = std::copy_n(query.vector, dim(), vector);
      k[i] = static_cast<uint32_t>(std::min(query.k, size()));
      result_begin[i + 1] = result_begin[i] + k[i];
      excluded =
          std::copy(query.excluded.begin(), query.excluded.end(), excluded);
      excluded_begin[i + 1] =
          excluded_begin[i] + static_cast<uint32_t>(query.excluded.size());
      // −1 as the kernels read it.
      filter[i] = ~uint32_t{0};
      if (query.eligible == nullptr) continue;
      filter[i] = static_cast<uint32_t>(std::lower_bound(launch.filters.begin(),
                                                         launch.filters.end(),
                                                         query.eligible) -
                                        launch.filters.begin());
    }
    slot->vectors.FromHost(slot->host_vectors.data(), n * dim());
    slot->numbers.FromHost(slot->host_numbers.data(), count);
    const uint32_t* const numbers = slot->numbers.data();
    to->count = static_cast<uint32_t>(n);
    to->vectors = slot->vectors.data();
    to->k = numbers;
    to->excluded_begin = numbers + n;
    to->result_begin = numbers + 2 * n + 1;
    to->excluded = numbers + 4 * n + 2;
    if (!launch.filters.empty()) {
      to->filter = reinterpret_cast<const int32_t*>(numbers + 3 * n + 2);
    }
    return result_begin[n];
  }

  void UploadFilters(const Launch& launch, Slot* slot, GpuQueries* to) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(gpu_->mutex) {
    if (launch.filters.empty()) return;
    const size_t words = (rows_.layout.rows + 31) / 32;
    slot->filters.Reserve(words * launch.filters.size());
    for (size_t f = 0; f < launch.filters.size(); ++f) {
      const std::vector<uint64_t>& from = launch.filters[f]->words();
      // From pageable memory the copy is done with `from` when it returns; the
      // next filter's waits for this one's kernel, in the stream's order.
      slot->filter_words.FromHost(from.data(), from.size());
      FilterToRows(rows_, slot->filter_words.data(),
                   static_cast<uint32_t>(from.size()),
                   slot->filters.data() + f * words, gpu_->stream.get());
    }
    device::CheckLaunch("packing filters");
    to->filters = slot->filters.data();
    to->filter_words = static_cast<uint32_t>(words);
  }

  const model::Matrix* const matrix_;  // the snapshot's
  const Eligibility eligibility_;
  Gpu* const gpu_;
  GpuRows rows_;
  DeviceArray<uint4> halves_;
  DeviceArray<float4> exact_;
  DeviceArray<float> bounds_;
  DeviceArray<uint32_t> item_of_row_;
  DeviceArray<int32_t> row_of_item_;
};

}  // namespace

bool FitsGpuIndex(size_t dim) { return DepthOf(dim) > 0; }

absl::StatusOr<std::unique_ptr<SearchIndex>> BuildGpuIndex(
    const model::Snapshot& snapshot, int ordinal) {
  if (!FitsGpuIndex(snapshot.dim())) {
    return absl::UnavailableError(
        absl::StrCat("rows of ", snapshot.dim(),
                     " values are too wide for the search on a GPU"));
  }
  const absl::Status there = device::CheckGpu(ordinal);
  if (!there.ok()) return there;
  try {
    return std::make_unique<GpuIndex>(snapshot, &TheGpu(ordinal));
  } catch (const device::CudaError& error) {
    return device::ToStatus(
        error,
        absl::StrCat("an index of ", snapshot.items.rows, " x ", snapshot.dim(),
                     " on cuda:", ordinal),
        absl::StatusCode::kInternal);
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("an index on cuda:", ordinal, ": ", error.what()));
  }
}

}  // namespace taud::index

#endif  // TAUD_CUDA
