// Reads and writes NumPy's .npy matrices: the format in which vectors enter Muster and exact answers are kept.
#pragma once

#include "messages/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace muster {

/// A matrix in memory, row by row.
template <class T>
struct npy_matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<T> values; ///< rows * columns.

  std::span<const T> row(std::size_t i) const {
    return std::span<const T>(values).subspan(i * columns, columns);
  }
};

/// The whole matrix of a float32 or float64 file (float64 is rounded to float32), C order, .npy version 1 or 2. At
/// least one row; 1 to limits::dimensions columns; every value finite. file_not_found, io_failed, io_corrupt (truncated
/// or too long), parameter_invalid (anything else that is not such a matrix); the text starts with the path.
result<npy_matrix<float>> read_npy_floats(const std::string& path);

/// The same for an int64 file, of any positive number of columns.
result<npy_matrix<std::int64_t>> read_npy_integers(const std::string& path);

/// Writes `values` as rows of `columns` (which must divide their number), replacing the file. For tests and tools: not
/// synced. io_failed, parameter_invalid.
result<unit> write_npy(const std::string& path, std::size_t columns, std::span<const float> values);
result<unit> write_npy(const std::string& path, std::size_t columns, std::span<const std::int64_t> values);

} // namespace muster
