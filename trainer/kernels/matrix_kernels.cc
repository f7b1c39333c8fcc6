#include "trainer/kernels/matrix_kernels.h"

#include "trainer/kernels/instruction_sets.h"

namespace taud::trainer {
namespace {

// kRows × (kVectors · width) sums live in registers while k runs.
template <typename Vec, int kRows, int kVectors>
TAUD_INLINE void Tile(int64_t k, const float* a, int64_t a_row, int64_t a_col,
                      const float* b, int64_t b_step, float* c,
                      int64_t c_step) {
  constexpr int64_t kWidth = sizeof(Vec) / sizeof(float);
  Vec sum[kRows][kVectors] = {};
  for (int64_t p = 0; p < k; ++p) {
    Vec column[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      column[v] = *reinterpret_cast<const Vec*>(b + p * b_step + v * kWidth);
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const float scale = a[r * a_row + p * a_col];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] += scale * column[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      *reinterpret_cast<Vec*>(c + r * c_step + v * kWidth) += sum[r][v];
    }
  }
}

template <typename Vec, int kRows, int kVectors>
TAUD_INLINE void Columns(int64_t m, int64_t k, const StridedMatrix& a,
                         const float* b, int64_t b_step, float* c,
                         int64_t c_step) {
  int64_t i = 0;
  for (; i + kRows <= m; i += kRows) {
    Tile<Vec, kRows, kVectors>(k, a.values + i * a.row_step, a.row_step,
                               a.column_step, b, b_step, c + i * c_step,
                               c_step);
  }
  for (; i < m; ++i) {
    Tile<Vec, 1, kVectors>(k, a.values + i * a.row_step, a.row_step,
                           a.column_step, b, b_step, c + i * c_step, c_step);
  }
}

// Wide tiles as long as n allows, then single panels.
template <typename Vec, int kRows, int kVectors>
TAUD_INLINE void Multiply(int64_t m, int64_t n, int64_t k,
                          const StridedMatrix& a, const float* b,
                          int64_t b_step, float* c, int64_t c_step) {
  constexpr int64_t kWidth = sizeof(Vec) / sizeof(float);
  int64_t j = 0;
  for (; j + kVectors * kWidth <= n; j += kVectors * kWidth) {
    Columns<Vec, kRows, kVectors>(m, k, a, b + j, b_step, c + j, c_step);
  }
  for (; j < n; j += kWidth) {
    Columns<Vec, kRows, 1>(m, k, a, b + j, b_step, c + j, c_step);
  }
}

using Kernel = void (*)(int64_t, int64_t, int64_t, const StridedMatrix&,
                        const float*, int64_t, float*, int64_t);

void Generic(int64_t m, int64_t n, int64_t k, const StridedMatrix& a,
             const float* b, int64_t b_step, float* c, int64_t c_step) {
  Multiply<Vec4, 4, 2>(m, n, k, a, b, b_step, c, c_step);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void Avx2(int64_t m, int64_t n, int64_t k,
                                              const StridedMatrix& a,
                                              const float* b, int64_t b_step,
                                              float* c, int64_t c_step) {
  Multiply<Vec8, 6, 2>(m, n, k, a, b, b_step, c, c_step);
}

__attribute__((target("avx2,fma,avx512f"))) void Avx512(
    int64_t m, int64_t n, int64_t k, const StridedMatrix& a, const float* b,
    int64_t b_step, float* c, int64_t c_step) {
  Multiply<Vec16, 6, 4>(m, n, k, a, b, b_step, c, c_step);
}

Kernel Best() { return BestOf<Kernel>(Generic, Avx2, Avx512); }
#else
Kernel Best() { return Generic; }
#endif

}  // namespace

void MultiplyInto(int64_t m, int64_t n, int64_t k, const StridedMatrix& a,
                  const float* b, int64_t b_step, float* c, int64_t c_step) {
  static const Kernel best = Best();
  best(m, n, k, a, b, b_step, c, c_step);
}

void PackTransposed(const float* rows, int64_t count, int64_t width,
                    float* panels) {
  for (int64_t i = 0; i < count; ++i) {
    const float* row = rows + i * width;
    float* column =
        panels + i / kPackedRows * kPackedRows * width + i % kPackedRows;
    for (int64_t c = 0; c < width; ++c) column[c * kPackedRows] = row[c];
  }
}

}  // namespace taud::trainer
