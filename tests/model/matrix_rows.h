#ifndef TAUD_TESTS_MODEL_MATRIX_ROWS_H_
#define TAUD_TESTS_MODEL_MATRIX_ROWS_H_

#include <algorithm>
#include <vector>

#include "model/snapshot.h"

namespace taud::model {

// REQUIRES: a row, and all as long as the first.
inline Matrix Rows(const std::vector<std::vector<float>>& rows) {
  Matrix matrix(rows.size(), rows[0].size());
  for (size_t r = 0; r < rows.size(); ++r) {
    std::copy(rows[r].begin(), rows[r].end(), matrix.Row(r));
  }
  return matrix;
}

}  // namespace taud::model

#endif  // TAUD_TESTS_MODEL_MATRIX_ROWS_H_
