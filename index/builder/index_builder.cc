#include "index/builder/index_builder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "index/audit.h"
#include "index/faiss_flat_search.h"
#include "index/gpu/failover_index.h"
#include "index/gpu/gpu_index.h"
#include "index/hnsw_index.h"
#include "index/ivf_index.h"

namespace taud::index {
namespace {

// Bytes a lone query may read: some 20 milliseconds' worth.
constexpr double kMostScanned = 160e6;
// An inverted file takes about so long to build from carried centroids.
constexpr double kIvfSecondsPerItem = 5e-6;
// Below it both exact paths take microseconds, and timing them tells nothing.
constexpr size_t kWorthCalibrating = 5000;
constexpr size_t kCalibrationDepth = 20;

// The index with a reason, or timings, put into its report.
class ReportedIndex : public SearchIndex {
 public:
  ReportedIndex(std::unique_ptr<SearchIndex> index, IndexReport report)
      : index_(std::move(index)), report_(std::move(report)) {}

  absl::Status Search(absl::Span<const Query> queries,
                      std::vector<std::vector<Hit>>* results) const override {
    return index_->Search(queries, results);
  }
  std::string device() const override { return index_->device(); }
  IndexReport report() const override { return report_; }
  size_t size() const override { return index_->size(); }
  size_t dim() const override { return index_->dim(); }

 private:
  const std::unique_ptr<SearchIndex> index_;
  const IndexReport report_;
};

double MicrosecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now() - start)
      .count();
}

// The best of three runs of `search`, microseconds a query.
template <typename Search>
double Time(size_t batch, Search search) {
  double best = 0;
  for (int run = 0; run < 3; ++run) {
    const auto start = std::chrono::steady_clock::now();
    search();
    const double us = MicrosecondsSince(start) / static_cast<double>(batch);
    best = run == 0 ? us : std::min(best, us);
  }
  return best;
}

PathTiming TimePaths(const FaissFlatSearch& flat, const SearchIndex& quantised,
                     const std::vector<Query>& queries, size_t dim) {
  PathTiming timing;
  timing.batch = queries.size();
  std::vector<float> vectors;
  for (const Query& query : queries) {
    vectors.insert(vectors.end(), query.vector, query.vector + dim);
  }
  std::vector<float> scores(queries.size() * kCalibrationDepth);
  std::vector<int64_t> rows(scores.size());
  timing.flat_us = Time(queries.size(), [&] {
    flat.Search(vectors.data(), queries.size(), kCalibrationDepth,
                scores.data(), rows.data());
  });
  std::vector<std::vector<Hit>> results;
  timing.quantised_us = Time(
      queries.size(), [&] { (void)quantised.Search(queries, &results).ok(); });
  return timing;
}

}  // namespace

absl::StatusOr<IndexKind> ParseIndexKind(const std::string& name) {
  const struct {
    const char* name;
    IndexKind kind;
  } kinds[] = {{"auto", IndexKind::kAuto},
               {"flat", IndexKind::kFlat},
               {"flat_quantised", IndexKind::kFlatQuantised},
               {"ivf", IndexKind::kIvf},
               {"hnsw", IndexKind::kHnsw}};
  for (const auto& known : kinds) {
    if (name == known.name) return known.kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("serving.index: \"", name, "\" is unknown"));
}

IndexKind ChooseKind(size_t items, size_t dim, double publish_seconds) {
  const double scanned = static_cast<double>(items) * static_cast<double>(dim);
  if (scanned <= kMostScanned) return IndexKind::kFlatQuantised;
  const double build = static_cast<double>(items) * kIvfSecondsPerItem *
                       static_cast<double>(dim) / 64;
  return build <= publish_seconds / 2 ? IndexKind::kIvf
                                      : IndexKind::kFlatQuantised;
}

IndexKind IndexBuilder::CalibratedExact(const model::Snapshot& snapshot) {
  const size_t items = snapshot.items.rows;
  if (items < kWorthCalibrating) return IndexKind::kFlatQuantised;
  const bool known = calibrated_dim_ == snapshot.dim() &&
                     items <= 2 * calibrated_items_ &&
                     calibrated_items_ <= 2 * items;
  if (!known) {
    timings_.clear();
    auto quantised = BuildQuantisedIndex(snapshot);
    std::vector<Query> queries = AuditQueries(snapshot);
    if (!quantised.ok() || queries.empty()) return IndexKind::kFlatQuantised;
    for (Query& query : queries) query.k = kCalibrationDepth;
    const FaissFlatSearch flat(snapshot.items);
    for (const size_t batch : {size_t{1}, size_t{8}, size_t{64}}) {
      if (queries.size() < batch) break;
      timings_.push_back(TimePaths(flat, **quantised,
                                   {queries.begin(), queries.begin() + batch},
                                   snapshot.dim()));
    }
    calibrated_items_ = items;
    calibrated_dim_ = snapshot.dim();
  }
  const bool flat_is_quicker =
      !timings_.empty() &&
      std::all_of(timings_.begin(), timings_.end(), [](const PathTiming& t) {
        return t.flat_us < t.quantised_us;
      });
  return flat_is_quicker ? IndexKind::kFlat : IndexKind::kFlatQuantised;
}

absl::StatusOr<std::unique_ptr<SearchIndex>> IndexBuilder::BuildKind(
    IndexKind kind, const model::Snapshot& snapshot) {
  switch (kind) {
    case IndexKind::kFlat:
      return BuildFlatIndex(snapshot);
    case IndexKind::kIvf:
      return BuildIvfIndex(snapshot, options_.min_recall, &centroids_);
    case IndexKind::kHnsw:
      return BuildHnswIndex(snapshot, options_.min_recall);
    case IndexKind::kAuto:
    case IndexKind::kFlatQuantised:
      break;
  }
  return BuildQuantisedIndex(snapshot);
}

std::unique_ptr<SearchIndex> IndexBuilder::BuildOnGpu(
    const model::Snapshot& snapshot, std::string* reason) {
  const auto place = device::Resolve("serving.device", options_.device);
  if (place.ok() && !place->is_cuda) return nullptr;
  if (!FitsGpuIndex(snapshot.dim())) {
    // No fault of the GPU's, and the same for every snapshot.
    *reason = absl::StrCat("rows of ", snapshot.dim(),
                           " values are too wide for the search on a GPU; "
                           "searching on the CPU");
    return nullptr;
  }
  const auto build = [&]() -> absl::StatusOr<std::unique_ptr<SearchIndex>> {
    if (!place.ok()) return place.status();
    return BuildGpuIndex(snapshot, place->ordinal);
  };
  auto built = build();
  if (built.ok()) {
    return MakeFailoverIndex(snapshot, *std::move(built),
                             options_.on_gpu_error);
  }
  *reason = absl::StrCat(built.status().message(), "; searching on the CPU");
  if (options_.on_gpu_error != nullptr) options_.on_gpu_error(built.status());
  return nullptr;
}

absl::StatusOr<std::unique_ptr<SearchIndex>> IndexBuilder::Build(
    const model::Snapshot& snapshot) {
  IndexKind kind = options_.kind;
  std::string reason;
  std::unique_ptr<SearchIndex> on_gpu = BuildOnGpu(snapshot, &reason);
  if (on_gpu == nullptr && kind == IndexKind::kAuto) {
    kind = ChooseKind(snapshot.items.rows, snapshot.dim(),
                      options_.publish_seconds);
    if (kind == IndexKind::kFlatQuantised) kind = CalibratedExact(snapshot);
  }
  absl::StatusOr<std::unique_ptr<SearchIndex>> built = std::move(on_gpu);
  if (*built == nullptr) built = BuildKind(kind, snapshot);
  if (absl::IsFailedPrecondition(built.status())) {
    reason = absl::StrCat(built.status().message(), "; searching exactly");
    built = BuildKind(IndexKind::kFlatQuantised, snapshot);
  }
  if (!built.ok()) return built.status();
  IndexReport report = (*built)->report();
  report.reason = reason;
  report.timings = timings_;

  // Reads all of it once, so that the first request does not.
  std::vector<Query> queries = AuditQueries(snapshot);
  if (queries.size() > 16) queries.resize(16);
  std::vector<std::vector<Hit>> ignored;
  absl::Status warmed = (*built)->Search(queries, &ignored);
  if (!warmed.ok()) return warmed;
  return std::make_unique<ReportedIndex>(*std::move(built), std::move(report));
}

}  // namespace taud::index
