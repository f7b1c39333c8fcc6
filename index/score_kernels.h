#ifndef TAUD_INDEX_SCORE_KERNELS_H_
#define TAUD_INDEX_SCORE_KERNELS_H_

#include <cstddef>
#include <cstdint>

// The inner loops of scoring on the CPU. Each is compiled for plain x86-64,
// AVX2 and AVX-512 with VNNI, and the best that the processor has is taken at
// run time. Pure; any thread.

namespace taud::index {

// Rows are scanned a block at a time. A block of 64 rows fits the L1 cache and
// stays there while every query of a batch is scored against it.
inline constexpr size_t kBlockRows = 64;

// Bytes of one block: rows of unsigned bytes (the value plus 128), padded with
// 128 to `groups` × 4 columns. Columns go in groups of four, and inside a group
// row by row: byte (r, c) stands at (c / 4) · 256 + r · 4 + c % 4.
constexpr size_t BlockBytes(size_t groups) { return groups * kBlockRows * 4; }

// A row that reached its query's threshold.
struct BlockHit {
  uint32_t query = 0;
  uint32_t row = 0;  // within the block
  int32_t dot = 0;   // Σ (byte) · (query byte): 128 · Σ query byte too much
};

// The largest magnitude of a query's bytes with which no sum overflows, on
// this processor.
int QueryLimit();

// Scores `count` queries, [count × groups · 4] signed bytes, against a block,
// and writes those pairs whose dot is at least thresholds[query] to `hits`,
// which has room for count × kBlockRows; returns how many. Scores stay in
// registers: only hits are written.
size_t ScanBlock(const uint8_t* block, size_t groups, const int8_t* queries,
                 size_t count, const int32_t* thresholds, BlockHit* hits);

// The least dot that a row of a block may have if its score may reach the one
// wanted, for `count` queries at once:
//
//   offset + (reach − norm · error) / (scale_q · scale_b), less the rounding
//
// `reach` is the wanted score less what of the bound does not depend on the
// block (it may be −∞), `error` the block's, see quantised_rows.h.
struct QueryColumns {
  const float* reach;
  const float* norm;
  const float* inverse_scale;
  const float* offset;
};
void LeastDots(const QueryColumns& queries, size_t count, float error,
               float inverse_block_scale, int32_t* least);

// Inner product of [dim] floats, always summed in the same order: the same
// pair has the same score whatever the batch it is asked in. Whatever is
// compared with a score is computed by it: what the server scores itself, what
// the gate measures. Learning has its own (trainer/kernels/vector_kernels.h):
// that room stands beside this one and may not include it, and its sums belong
// to the steps that must come out the same bit for bit.
float ExactDot(const float* a, const float* b, size_t dim);

// "avx512-vnni", "avx2" or "portable": what the functions above use here.
const char* ScoreKernelName();

// For tests: the implementations by name, null if the processor lacks it.
struct ScoreKernels {
  const char* name;
  int query_limit;
  size_t (*scan)(const uint8_t*, size_t, const int8_t*, size_t, const int32_t*,
                 BlockHit*);
  void (*least)(const QueryColumns&, size_t, float, float, int32_t*);
  float (*dot)(const float*, const float*, size_t);
};
const ScoreKernels* FindScoreKernels(const char* name);

}  // namespace taud::index

#endif  // TAUD_INDEX_SCORE_KERNELS_H_
