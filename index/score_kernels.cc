#include "index/score_kernels.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace taud::index {
namespace {

#define TAUD_INLINE inline __attribute__((always_inline))

TAUD_INLINE void LeastBody(const QueryColumns& queries, size_t count,
                           float error, float inverse_block_scale,
                           int32_t* least) {
  constexpr float kLargest = 2e9f;
  const float* __restrict reach = queries.reach;
  const float* __restrict norm = queries.norm;
  const float* __restrict inverse_scale = queries.inverse_scale;
  const float* __restrict offset = queries.offset;
  int32_t* __restrict out = least;
  for (size_t q = 0; q < count; ++q) {
    const float distance =
        (reach[q] - norm[q] * error) * inverse_scale[q] * inverse_block_scale;
    const float size = (distance < 0 ? -distance : distance) +
                       (offset[q] < 0 ? -offset[q] : offset[q]);
    // One for truncating, and the error of the float arithmetic.
    float dot = distance + offset[q] - 2.0f - size * 5e-7f;
    dot = dot > -kLargest ? dot : -kLargest;
    dot = dot < kLargest ? dot : kLargest;
    out[q] = static_cast<int32_t>(dot);
  }
}

// ----- portable -------------------------------------------------------------

size_t ScanPortable(const uint8_t* block, size_t groups, const int8_t* queries,
                    size_t count, const int32_t* thresholds, BlockHit* hits) {
  size_t found = 0;
  for (size_t q = 0; q < count; ++q) {
    int32_t sums[kBlockRows] = {};
    const int8_t* query = queries + q * groups * 4;
    for (size_t g = 0; g < groups; ++g) {
      const uint8_t* at = block + g * kBlockRows * 4;
      for (size_t r = 0; r < kBlockRows; ++r) {
        int32_t sum = 0;
        for (size_t c = 0; c < 4; ++c) sum += at[r * 4 + c] * query[g * 4 + c];
        sums[r] += sum;
      }
    }
    for (size_t r = 0; r < kBlockRows; ++r) {
      if (sums[r] < thresholds[q]) continue;
      hits[found++] = {static_cast<uint32_t>(q), static_cast<uint32_t>(r),
                       sums[r]};
    }
  }
  return found;
}

void LeastPortable(const QueryColumns& queries, size_t count, float error,
                   float inverse_block_scale, int32_t* least) {
  LeastBody(queries, count, error, inverse_block_scale, least);
}

float DotPortable(const float* a, const float* b, size_t dim) {
  float sum = 0;
  for (size_t c = 0; c < dim; ++c) sum += a[c] * b[c];
  return sum;
}

#if defined(__x86_64__)

// ----- AVX2 -----------------------------------------------------------------

#define TAUD_AVX2 __attribute__((target("avx2,fma")))

TAUD_AVX2 inline size_t EmitAvx2(const __m256i* sums, size_t vectors,
                                 uint32_t query, uint32_t first_row,
                                 int32_t threshold, BlockHit* hits) {
  size_t found = 0;
  const __m256i low = _mm256_set1_epi32(threshold);
  for (size_t v = 0; v < vectors; ++v) {
    const __m256i below = _mm256_cmpgt_epi32(low, sums[v]);
    unsigned passed =
        ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(below))) &
        0xffu;
    if (passed == 0) continue;
    alignas(32) int32_t values[8];
    _mm256_store_si256(reinterpret_cast<__m256i*>(values), sums[v]);
    for (; passed != 0; passed &= passed - 1) {
      const auto lane = static_cast<uint32_t>(__builtin_ctz(passed));
      hits[found++] = {query, first_row + static_cast<uint32_t>(v) * 8 + lane,
                       values[lane]};
    }
  }
  return found;
}

// kQueries queries against 32 of the block's rows.
template <int kQueries>
TAUD_AVX2 size_t TileAvx2(const uint8_t* block, size_t groups,
                          const int8_t* queries, uint32_t first,
                          uint32_t first_row, const int32_t* thresholds,
                          BlockHit* hits) {
  __m256i sums[kQueries][4];
  for (int q = 0; q < kQueries; ++q) {
    for (__m256i& sum : sums[q]) sum = _mm256_setzero_si256();
  }
  const __m256i ones = _mm256_set1_epi16(1);
  for (size_t g = 0; g < groups; ++g) {
    const uint8_t* at = block + g * kBlockRows * 4 + first_row * 4;
    for (int q = 0; q < kQueries; ++q) {
      int32_t four;
      std::memcpy(&four, queries + (q * groups + g) * 4, 4);
      const __m256i query = _mm256_set1_epi32(four);
      for (int v = 0; v < 4; ++v) {
        const __m256i rows =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + v * 32));
        // Pairs do not saturate: 2 · 255 · 63 < 2^15 (kAvx2.query_limit).
        sums[q][v] = _mm256_add_epi32(
            sums[q][v],
            _mm256_madd_epi16(_mm256_maddubs_epi16(rows, query), ones));
      }
    }
  }
  size_t found = 0;
  for (int q = 0; q < kQueries; ++q) {
    found += EmitAvx2(sums[q], 4, first + static_cast<uint32_t>(q), first_row,
                      thresholds[q], hits + found);
  }
  return found;
}

TAUD_AVX2 size_t ScanAvx2(const uint8_t* block, size_t groups,
                          const int8_t* queries, size_t count,
                          const int32_t* thresholds, BlockHit* hits) {
  size_t found = 0;
  for (uint32_t half = 0; half < kBlockRows; half += 32) {
    size_t q = 0;
    for (; q + 2 <= count; q += 2) {
      found += TileAvx2<2>(block, groups, queries + q * groups * 4,
                           static_cast<uint32_t>(q), half, thresholds + q,
                           hits + found);
    }
    for (; q < count; ++q) {
      found += TileAvx2<1>(block, groups, queries + q * groups * 4,
                           static_cast<uint32_t>(q), half, thresholds + q,
                           hits + found);
    }
  }
  return found;
}

TAUD_AVX2 void LeastAvx2(const QueryColumns& queries, size_t count, float error,
                         float inverse_block_scale, int32_t* least) {
  LeastBody(queries, count, error, inverse_block_scale, least);
}

TAUD_AVX2 float DotAvx2(const float* a, const float* b, size_t dim) {
  __m256 first = _mm256_setzero_ps();
  __m256 second = _mm256_setzero_ps();
  size_t c = 0;
  for (; c + 16 <= dim; c += 16) {
    first =
        _mm256_fmadd_ps(_mm256_loadu_ps(a + c), _mm256_loadu_ps(b + c), first);
    second = _mm256_fmadd_ps(_mm256_loadu_ps(a + c + 8),
                             _mm256_loadu_ps(b + c + 8), second);
  }
  alignas(32) float lanes[8];
  _mm256_store_ps(lanes, _mm256_add_ps(first, second));
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; c < dim; ++c) sum += a[c] * b[c];
  return sum;
}

// ----- AVX-512 with VNNI ----------------------------------------------------

#define TAUD_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))

TAUD_VNNI inline size_t EmitVnni(const __m512i* sums, uint32_t query,
                                 int32_t threshold, BlockHit* hits) {
  const __m512i low = _mm512_set1_epi32(threshold);
  const auto m0 = static_cast<uint64_t>(_mm512_cmpge_epi32_mask(sums[0], low));
  const auto m1 = static_cast<uint64_t>(_mm512_cmpge_epi32_mask(sums[1], low));
  const auto m2 = static_cast<uint64_t>(_mm512_cmpge_epi32_mask(sums[2], low));
  const auto m3 = static_cast<uint64_t>(_mm512_cmpge_epi32_mask(sums[3], low));
  uint64_t passed = m0 | m1 << 16 | m2 << 32 | m3 << 48;
  if (passed == 0) return 0;
  alignas(64) int32_t values[kBlockRows];
  for (int v = 0; v < 4; ++v) _mm512_store_si512(values + v * 16, sums[v]);
  size_t found = 0;
  for (; passed != 0; passed &= passed - 1) {
    const auto row = static_cast<uint32_t>(__builtin_ctzll(passed));
    hits[found++] = {query, row, values[row]};
  }
  return found;
}

// kQueries queries against all rows of the block: 4 · kQueries sums stay in
// registers, and each load of rows serves all the queries.
template <int kQueries>
TAUD_VNNI size_t TileVnni(const uint8_t* block, size_t groups,
                          const int8_t* queries, uint32_t first,
                          const int32_t* thresholds, BlockHit* hits) {
  __m512i sums[kQueries][4];
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sums[q][v] = _mm512_setzero_si512();
  }
  for (size_t g = 0; g < groups; ++g) {
    const uint8_t* at = block + g * kBlockRows * 4;
    __m512i rows[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) rows[v] = _mm512_loadu_si512(at + v * 64);
#pragma GCC unroll 8
    for (int q = 0; q < kQueries; ++q) {
      int32_t four;
      std::memcpy(&four, queries + (q * groups + g) * 4, 4);
      const __m512i query = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        sums[q][v] = _mm512_dpbusd_epi32(sums[q][v], rows[v], query);
      }
    }
  }
  size_t found = 0;
#pragma GCC unroll 8
  for (int q = 0; q < kQueries; ++q) {
    found += EmitVnni(sums[q], first + static_cast<uint32_t>(q), thresholds[q],
                      hits + found);
  }
  return found;
}

TAUD_VNNI size_t ScanVnni(const uint8_t* block, size_t groups,
                          const int8_t* queries, size_t count,
                          const int32_t* thresholds, BlockHit* hits) {
  size_t found = 0;
  size_t q = 0;
  for (; q + 6 <= count; q += 6) {
    found +=
        TileVnni<6>(block, groups, queries + q * groups * 4,
                    static_cast<uint32_t>(q), thresholds + q, hits + found);
  }
  for (; q + 2 <= count; q += 2) {
    found +=
        TileVnni<2>(block, groups, queries + q * groups * 4,
                    static_cast<uint32_t>(q), thresholds + q, hits + found);
  }
  for (; q < count; ++q) {
    found +=
        TileVnni<1>(block, groups, queries + q * groups * 4,
                    static_cast<uint32_t>(q), thresholds + q, hits + found);
  }
  return found;
}

TAUD_VNNI void LeastVnni(const QueryColumns& queries, size_t count, float error,
                         float inverse_block_scale, int32_t* least) {
  LeastBody(queries, count, error, inverse_block_scale, least);
}

TAUD_VNNI float DotVnni(const float* a, const float* b, size_t dim) {
  __m512 first = _mm512_setzero_ps();
  __m512 second = _mm512_setzero_ps();
  size_t c = 0;
  for (; c + 32 <= dim; c += 32) {
    first =
        _mm512_fmadd_ps(_mm512_loadu_ps(a + c), _mm512_loadu_ps(b + c), first);
    second = _mm512_fmadd_ps(_mm512_loadu_ps(a + c + 16),
                             _mm512_loadu_ps(b + c + 16), second);
  }
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, _mm512_add_ps(first, second));
  for (int half = 8; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  float sum = lanes[0];
  for (; c < dim; ++c) sum += a[c] * b[c];
  return sum;
}

#endif  // __x86_64__

constexpr ScoreKernels kPortable = {"portable", 127, ScanPortable,
                                    LeastPortable, DotPortable};
#if defined(__x86_64__)
constexpr ScoreKernels kAvx2 = {"avx2", 63, ScanAvx2, LeastAvx2, DotAvx2};
constexpr ScoreKernels kVnni = {"avx512-vnni", 127, ScanVnni, LeastVnni,
                                DotVnni};

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool HasVnni() {
  return __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}
#endif

const ScoreKernels& Best() {
  static const ScoreKernels& best = []() -> const ScoreKernels& {
#if defined(__x86_64__)
    if (HasVnni()) return kVnni;
    if (HasAvx2()) return kAvx2;
#endif
    return kPortable;
  }();
  return best;
}

}  // namespace

int QueryLimit() { return Best().query_limit; }

size_t ScanBlock(const uint8_t* block, size_t groups, const int8_t* queries,
                 size_t count, const int32_t* thresholds, BlockHit* hits) {
  return Best().scan(block, groups, queries, count, thresholds, hits);
}

void LeastDots(const QueryColumns& queries, size_t count, float error,
               float inverse_block_scale, int32_t* least) {
  Best().least(queries, count, error, inverse_block_scale, least);
}

float ExactDot(const float* a, const float* b, size_t dim) {
  return Best().dot(a, b, dim);
}

const char* ScoreKernelName() { return Best().name; }

const ScoreKernels* FindScoreKernels(const char* name) {
  if (std::strcmp(name, kPortable.name) == 0) return &kPortable;
#if defined(__x86_64__)
  if (std::strcmp(name, kAvx2.name) == 0) return HasAvx2() ? &kAvx2 : nullptr;
  if (std::strcmp(name, kVnni.name) == 0) return HasVnni() ? &kVnni : nullptr;
#endif
  return nullptr;
}

}  // namespace taud::index
