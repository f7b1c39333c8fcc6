#ifndef TAUD_INDEX_GPU_ROW_LAYOUT_H_
#define TAUD_INDEX_GPU_ROW_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

// Where a row of the catalogue stands in the memory of the GPU. Pure; the
// same code runs on the CPU (tests) and on the GPU.

#ifdef __CUDACC__
#define TAUD_HOST_DEVICE __host__ __device__
#else
#define TAUD_HOST_DEVICE
#endif

namespace taud::index {

// Rows are scored eight at a time (a tile: the columns of one matrix
// instruction, m16n8k16) and compared in groups of 8, 16 or 32 consecutive
// rows. A thread of the instruction holds two columns of a tile, so a group is
// the two columns that one thread holds in 4, 8 or 16 tiles, and its greatest
// score needs no exchange between threads. Four groups stand side by side in
// these tiles: together they are a block of 32, 64 or 128 rows.
struct RowLayout {
  uint32_t rows = 0;
  uint32_t group = 8;  // rows of a group
  uint32_t depth = 2;  // steps of 16 columns: 2, 4, 8 or 16

  TAUD_HOST_DEVICE uint32_t groups() const {
    return (rows + group - 1) / group;
  }
  TAUD_HOST_DEVICE uint32_t tiles_per_block() const { return group / 2; }
  // Tiles in memory: whole multiples of 16, so that a stage of copies never
  // ends inside a block.
  TAUD_HOST_DEVICE uint32_t tiles() const { return ((rows + 127) / 128) * 16; }
  // Words of 16 bytes of one tile, and of all.
  TAUD_HOST_DEVICE uint32_t tile_words() const { return depth / 2 * 32; }
  TAUD_HOST_DEVICE size_t words() const {
    return size_t{tiles()} * tile_words();
  }
  // The row in column `n` (0 to 7) of tile `tile`. At or beyond `rows` there
  // is none; the last row stands in for it.
  TAUD_HOST_DEVICE uint32_t Row(uint32_t tile, uint32_t n) const {
    const uint32_t block = tile / tiles_per_block();
    const uint32_t within = tile % tiles_per_block();
    return block * 4 * group + (n / 2) * group + 2 * within + n % 2;
  }
};

// Smaller groups for smaller catalogues: there are to be a few thousand of
// them, several times as many as results are wanted.
inline uint32_t GroupRows(size_t rows) {
  if (rows <= (size_t{1} << 17)) return 8;
  return rows <= (size_t{1} << 19) ? 16 : 32;
}

// Steps of 16 columns that rows of `dim` take; 0 if they are too wide.
inline uint32_t DepthOf(size_t dim) {
  for (const uint32_t depth : {2u, 4u, 8u, 16u}) {
    if (dim <= depth * 16) return depth;
  }
  return 0;
}

// The floats themselves stand in blocks of 32 rows, four columns of each row
// side by side, so that 32 threads that score 32 rows read 512 bytes at once.
// The index of the four columns from 4 · quad on, in words of 16 bytes.
TAUD_HOST_DEVICE inline size_t ExactWord(uint32_t row, uint32_t quad,
                                         uint32_t quads) {
  return (size_t{row / 32} * quads + quad) * 32 + row % 32;
}

}  // namespace taud::index

#endif  // TAUD_INDEX_GPU_ROW_LAYOUT_H_
