// The .npy format: a magic, a Python dictionary as text, then the bare numbers.
#include "persistence/npy.hpp"

#include "messages/limits.hpp"

#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace muster {

namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they stand in the file");

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t header_bytes_max = 1u << 20;

struct npy_header {
  std::string type;
  bool fortran = false;
  std::vector<std::uint64_t> shape;
};

failure fail(ec code, const std::string& path, const std::string& what) {
  return {code, path + ": " + what};
}

std::string errno_text() {
  return std::generic_category().message(errno);
}

void skip_spaces(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n'))
    text.remove_prefix(1);
}

// What follows `'key':` in the dictionary; nothing when the key is not there.
std::optional<std::string_view> value_of(std::string_view dictionary, std::string_view key) {
  auto quoted = "'" + std::string(key) + "'";
  auto at = dictionary.find(quoted);
  if (at == std::string_view::npos)
    return std::nullopt;
  dictionary.remove_prefix(at + quoted.size());
  skip_spaces(dictionary);
  if (dictionary.empty() || dictionary.front() != ':')
    return std::nullopt;
  dictionary.remove_prefix(1);
  skip_spaces(dictionary);
  return dictionary;
}

std::optional<std::vector<std::uint64_t>> parse_shape(std::string_view text) {
  if (text.empty() || text.front() != '(')
    return std::nullopt;
  text.remove_prefix(1);
  std::vector<std::uint64_t> shape;
  for (;;) {
    skip_spaces(text);
    if (text.empty())
      return std::nullopt;
    if (text.front() == ')')
      return shape;
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{})
      return std::nullopt;
    shape.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    skip_spaces(text);
    if (!text.empty() && text.front() == ',')
      text.remove_prefix(1);
  }
}

std::optional<npy_header> parse_dictionary(std::string_view text) {
  npy_header result;
  auto type = value_of(text, "descr");
  auto order = value_of(text, "fortran_order");
  auto shape = value_of(text, "shape");
  if (!type || !order || !shape)
    return std::nullopt;
  if (type->starts_with('\'')) {
    auto end = type->find('\'', 1);
    if (end == std::string_view::npos)
      return std::nullopt;
    result.type = type->substr(1, end - 1);
  } else {
    result.type = "structured";
  }
  result.fortran = order->starts_with("True");
  if (!result.fortran && !order->starts_with("False"))
    return std::nullopt;
  auto parsed = parse_shape(*shape);
  if (!parsed)
    return std::nullopt;
  result.shape = std::move(*parsed);
  return result;
}

// An open file, its parsed header, with the read position at the first value.
struct npy_file {
  std::ifstream in;
  npy_header header;
  std::uint64_t bytes = 0;   ///< Of the file.
  std::uint64_t data_at = 0; ///< Where the values start.
};

result<npy_file> open_npy(const std::string& path) {
  npy_file file;
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return fail(ec::file_not_found, path, "there is no such file; check the path");
  if (!std::filesystem::is_regular_file(path, error))
    return fail(ec::parameter_invalid, path, "is not a file; name a .npy file");
  file.bytes = std::filesystem::file_size(path, error);
  if (error)
    return fail(ec::io_failed, path, "cannot be read: " + error.message());
  file.in.open(path, std::ios::binary);
  if (!file.in)
    return fail(ec::io_failed, path, "cannot be opened: " + errno_text());
  char start[12] = {};
  file.in.read(start, sizeof start);
  auto got = static_cast<std::size_t>(file.in.gcount());
  if (std::string_view(start, std::min(got, magic.size())) != magic)
    return fail(ec::parameter_invalid, path, "is not a .npy file; write the matrix with numpy.save");
  int version = start[6];
  if (got > 6 && version != 1 && version != 2)
    return fail(ec::parameter_invalid, path,
                "has .npy version " + std::to_string(version)
                    + ", but 1 and 2 are read; write a plain matrix with numpy.save");
  std::uint32_t length = 0;
  std::memcpy(&length, start + 8, version == 1 ? 2 : 4);
  std::size_t text_at = version == 1 ? 10 : 12;
  if (got < text_at || file.bytes < text_at + length)
    return fail(ec::io_corrupt, path,
                "is truncated inside its header: " + std::to_string(text_at + length) + " bytes expected, "
                    + std::to_string(file.bytes) + " found; write it again");
  if (length > header_bytes_max)
    return fail(ec::parameter_invalid, path,
                "has a header of " + std::to_string(length) + " bytes; write a plain matrix with numpy.save");
  file.data_at = text_at + length;
  std::string text(length, '\0');
  file.in.clear();
  file.in.seekg(static_cast<std::streamoff>(text_at));
  if (!file.in.read(text.data(), length))
    return fail(ec::io_failed, path, "cannot be read: " + errno_text());
  auto header = parse_dictionary(text);
  if (!header)
    return fail(ec::parameter_invalid, path,
                "has a header that cannot be understood; write the matrix with numpy.save");
  file.header = std::move(*header);
  return file;
}

// Checks that `file` is a matrix of `width`-byte values; fills rows and columns.
template <class T>
std::optional<failure> check_shape(const npy_file& file, const std::string& path, std::size_t width,
                                   std::size_t columns_max, npy_matrix<T>& matrix) {
  auto& header = file.header;
  if (header.shape.size() != 2)
    return fail(ec::parameter_invalid, path,
                "has " + std::to_string(header.shape.size())
                    + " dimensions, but a matrix (rows, columns) is needed; reshape it");
  if (header.fortran)
    return fail(ec::parameter_invalid, path,
                "is in Fortran order, but C order is needed; save numpy.ascontiguousarray of it");
  auto rows = header.shape[0];
  auto columns = header.shape[1];
  if (rows == 0)
    return fail(ec::parameter_invalid, path, "has zero rows; there is nothing to read");
  if (columns == 0 || columns > columns_max)
    return fail(ec::parameter_invalid, path,
                "has " + std::to_string(columns) + " columns, but 1 to " + std::to_string(columns_max)
                    + " are read; use shorter vectors");
  std::uint64_t data_bytes = 0;
  std::uint64_t expected = 0;
  if (__builtin_mul_overflow(rows, columns, &data_bytes) || __builtin_mul_overflow(data_bytes, width, &data_bytes)
      || __builtin_add_overflow(data_bytes, file.data_at, &expected))
    return fail(ec::parameter_invalid, path,
                "claims " + std::to_string(rows) + " rows of " + std::to_string(columns)
                    + " columns, which no file can hold; write it again");
  if (expected != file.bytes)
    return fail(ec::io_corrupt, path,
                std::string(expected > file.bytes ? "is truncated: " : "is too long: ") + std::to_string(expected)
                    + " bytes expected, " + std::to_string(file.bytes) + " found; write it again");
  matrix.rows = rows;
  matrix.columns = columns;
  return std::nullopt;
}

bool read_values(std::ifstream& in, void* at, std::size_t bytes) {
  return static_cast<bool>(in.read(static_cast<char*>(at), static_cast<std::streamsize>(bytes)));
}

template <class T>
result<unit> write_values(const std::string& path, std::string_view type, std::size_t columns,
                          std::span<const T> values) {
  if (columns == 0 || values.size() % columns != 0)
    return fail(ec::parameter_invalid, path,
                "cannot be written: " + std::to_string(values.size()) + " values are no whole rows of "
                    + std::to_string(columns));
  auto text = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': ("
              + std::to_string(values.size() / columns) + ", " + std::to_string(columns) + "), }";
  constexpr std::size_t fixed = 10;
  constexpr std::size_t alignment = 64;
  text.append((alignment - (fixed + text.size() + 1) % alignment) % alignment, ' ');
  text.push_back('\n');
  auto length = static_cast<std::uint16_t>(text.size());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << magic << '\x01' << '\0';
  out.write(reinterpret_cast<const char*>(&length), sizeof length);
  out << text;
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  out.close();
  if (!out)
    return fail(ec::io_failed, path, "cannot be written: " + errno_text());
  return unit{};
}

} // namespace

result<npy_matrix<float>> read_npy_floats(const std::string& path) {
  auto file = open_npy(path);
  if (!file)
    return file.error();
  auto& type = file->header.type;
  if (type != "<f4" && type != "<f8")
    return fail(ec::parameter_invalid, path,
                "holds values of type " + type
                    + ", but float32 ('<f4') or float64 ('<f8') is needed; convert it with astype");
  npy_matrix<float> matrix;
  bool wide = type == "<f8";
  if (auto wrong = check_shape(*file, path, wide ? sizeof(double) : sizeof(float), limits::dimensions, matrix))
    return *wrong;
  matrix.values.resize(matrix.rows * matrix.columns);
  bool complete = true;
  if (wide) {
    std::vector<double> row(matrix.columns);
    for (std::size_t i = 0; i < matrix.rows && complete; ++i) {
      complete = read_values(file->in, row.data(), row.size() * sizeof(double));
      for (std::size_t j = 0; j < row.size(); ++j) {
        bool fits = std::abs(row[j]) <= std::numeric_limits<float>::max();
        matrix.values[i * matrix.columns + j] =
            fits ? static_cast<float>(row[j]) : std::numeric_limits<float>::infinity();
      }
    }
  } else {
    complete = read_values(file->in, matrix.values.data(), matrix.values.size() * sizeof(float));
  }
  if (!complete)
    return fail(ec::io_failed, path, "cannot be read to its end: " + errno_text());
  for (std::size_t at = 0; at < matrix.values.size(); ++at)
    if (!std::isfinite(matrix.values[at]))
      return fail(ec::parameter_invalid, path,
                  "row " + std::to_string(at / matrix.columns) + " (from 0), column "
                      + std::to_string(at % matrix.columns)
                      + " is NaN, infinite or too large for float32; repair or leave out that row");
  return matrix;
}

result<npy_matrix<std::int64_t>> read_npy_integers(const std::string& path) {
  auto file = open_npy(path);
  if (!file)
    return file.error();
  if (file->header.type != "<i8")
    return fail(ec::parameter_invalid, path,
                "holds values of type " + file->header.type + ", but int64 ('<i8') is needed; convert it with astype");
  npy_matrix<std::int64_t> matrix;
  constexpr auto any = std::numeric_limits<std::size_t>::max();
  if (auto wrong = check_shape(*file, path, sizeof(std::int64_t), any, matrix))
    return *wrong;
  matrix.values.resize(matrix.rows * matrix.columns);
  if (!read_values(file->in, matrix.values.data(), matrix.values.size() * sizeof(std::int64_t)))
    return fail(ec::io_failed, path, "cannot be read to its end: " + errno_text());
  return matrix;
}

result<unit> write_npy(const std::string& path, std::size_t columns, std::span<const float> values) {
  return write_values(path, "<f4", columns, values);
}

result<unit> write_npy(const std::string& path, std::size_t columns, std::span<const std::int64_t> values) {
  return write_values(path, "<i8", columns, values);
}

} // namespace muster
