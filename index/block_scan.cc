#include "index/block_scan.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace taud::index {
namespace {

void KeepBest(size_t k, std::vector<Hit>* hits) {
  k = std::min(k, hits->size());
  std::partial_sort(hits->begin(),
                    hits->begin() + static_cast<std::ptrdiff_t>(k), hits->end(),
                    BetterHit);
  hits->resize(k);
}

}  // namespace

void BlockScan::Lane::Resize(size_t n, size_t code_bytes) {
  codes.resize(n * code_bytes);
  query.resize(n);
  for (std::vector<float>* column : {&reach, &norm, &inverse_scale, &offset}) {
    column->resize(n);
  }
  least.resize(n);
}

BlockScan::BlockScan(const QuantisedRows* rows, const model::Matrix* matrix,
                     absl::Span<const Query> queries)
    : rows_(rows), matrix_(matrix), queries_(queries) {
  const size_t code_bytes = rows->groups() * 4;
  all_.Resize(queries.size(), code_bytes);
  for (size_t q = 0; q < queries.size(); ++q) {
    codes_.push_back(
        rows->Encode(queries[q].vector, &all_.codes[q * code_bytes]));
    // More than there are rows cannot come back, and k sizes the candidates.
    candidates_.emplace_back(
        std::min(queries[q].k, rows->num_blocks() * kBlockRows + 1),
        queries[q].floor);
    Load(static_cast<uint32_t>(q), q, &all_);
  }
}

void BlockScan::Load(uint32_t query, size_t position, Lane* lane) const {
  const QueryCode& code = codes_[query];
  lane->query[position] = query;
  lane->norm[position] = code.norm;
  lane->inverse_scale[position] = 1.0f / code.scale;
  lane->offset[position] = static_cast<float>(code.offset);
  lane->reach[position] =
      candidates_[query].threshold() - rows_->CommonBound(code);
}

void BlockScan::ScanAll(size_t begin, size_t end) { Scan(begin, end, &all_); }

void BlockScan::ScanSome(size_t begin, size_t end,
                         absl::Span<const uint32_t> which) {
  const size_t code_bytes = rows_->groups() * 4;
  some_.Resize(which.size(), code_bytes);
  for (size_t i = 0; i < which.size(); ++i) {
    Load(which[i], i, &some_);
    std::memcpy(&some_.codes[i * code_bytes],
                &all_.codes[which[i] * code_bytes], code_bytes);
  }
  Scan(begin, end, &some_);
}

bool BlockScan::Eligible(const Query& query, uint32_t item) const {
  if (query.eligible != nullptr && !query.eligible->Test(item)) return false;
  return !std::binary_search(query.excluded.begin(), query.excluded.end(),
                             item);
}

void BlockScan::Scan(size_t begin, size_t end, Lane* lane) {
  const size_t n = lane->query.size();
  if (n == 0) return;
  hits_.resize(n * kBlockRows);
  const QueryColumns columns = {lane->reach.data(), lane->norm.data(),
                                lane->inverse_scale.data(),
                                lane->offset.data()};
  for (size_t b = begin; b < end; ++b) {
    const float scale = rows_->scale(b);
    LeastDots(columns, n, rows_->error(b), 1.0f / scale, lane->least.data());
    const size_t found =
        ScanBlock(rows_->Block(b), rows_->groups(), lane->codes.data(), n,
                  lane->least.data(), hits_.data());
    for (size_t h = 0; h < found; ++h) {
      const BlockHit& hit = hits_[h];
      const uint32_t item = rows_->item(b * kBlockRows + hit.row);
      if (item == QuantisedRows::kNoItem) continue;
      const uint32_t q = lane->query[hit.query];
      if (!Eligible(queries_[q], item)) continue;
      const QueryCode& code = codes_[q];
      const float score =
          static_cast<float>(hit.dot - code.offset) * (code.scale * scale);
      const float bound = rows_->Bound(code, b);
      Candidates& candidates = candidates_[q];
      candidates.Add({item, score - bound, score + bound});
      lane->reach[hit.query] =
          candidates.threshold() - rows_->CommonBound(code);
    }
  }
}

void BlockScan::Finish(size_t query, std::vector<Hit>* hits) {
  Candidates& candidates = candidates_[query];
  candidates.Prune();
  const size_t dim = matrix_->cols;
  const float* vector = queries_[query].vector;
  for (const Candidate& candidate : candidates.kept()) {
    __builtin_prefetch(matrix_->Row(candidate.item));
    __builtin_prefetch(matrix_->Row(candidate.item) + dim / 2);
  }
  hits->clear();
  hits->reserve(candidates.kept().size());
  for (const Candidate& candidate : candidates.kept()) {
    hits->push_back(
        {candidate.item, ExactDot(vector, matrix_->Row(candidate.item), dim)});
  }
  KeepBest(queries_[query].k, hits);
}

absl::Status CheckVectors(absl::Span<const Query> queries) {
  for (size_t q = 0; q < queries.size(); ++q) {
    if (queries[q].vector != nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("query ", q, " has no vector"));
  }
  return absl::OkStatus();
}

void TopOfFew(const model::Matrix& matrix, const float* vector, size_t k,
              const model::Bitmap& allowed, std::vector<Hit>* hits) {
  hits->clear();
  allowed.ForEach([&](size_t item) {
    hits->push_back({static_cast<model::ItemIndex>(item),
                     ExactDot(vector, matrix.Row(item), matrix.cols)});
  });
  KeepBest(k, hits);
}

}  // namespace taud::index
