// Checks an import before the first file is written, then writes its segments one after the other.
#include "persistence/import_builder.hpp"

#include "messages/limits.hpp"
#include "persistence/segment_file.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <system_error>

namespace muster {

namespace {

failure refuse(const std::string& what) {
  return {ec::parameter_invalid, "import refused: " + what};
}

std::optional<failure> check_plan(const import_plan& plan) {
  if (plan.shards < 1 || plan.shards > limits::shards)
    return refuse(std::to_string(plan.shards) + " shards asked for; give 1 to " + std::to_string(limits::shards));
  if (plan.segment_rows < 1 || plan.segment_rows > limits::segment_rows)
    return refuse(std::to_string(plan.segment_rows) + " rows a segment asked for; give 1 to "
                  + std::to_string(limits::segment_rows));
  if (plan.first_row_id < 0)
    return refuse("the first row id " + std::to_string(plan.first_row_id) + " is negative; give 0 or more");
  return std::nullopt;
}

result<std::vector<std::string>> read_names(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return failure{ec::file_not_found, path + ": there is no such file; check the path"};
  if (!std::filesystem::is_regular_file(path, error))
    return failure{ec::parameter_invalid, path + ": is not a file; name a text file with one line a row"};
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return failure{ec::io_failed, path + ": cannot be opened: " + std::generic_category().message(errno)};
  std::vector<std::string> names;
  std::string line;
  while (std::getline(in, line)) {
    if (line.ends_with('\r'))
      line.pop_back();
    auto number = std::to_string(names.size() + 1);
    if (line.empty())
      return failure{ec::parameter_invalid, path + ": line " + number + " is empty; give each row a name"};
    if (line.size() > import_name_bytes)
      return failure{ec::parameter_invalid, path + ": line " + number + " has " + std::to_string(line.size())
                                                + " bytes; shorten it to " + std::to_string(import_name_bytes)};
    if (line.find('\0') != std::string::npos)
      return failure{ec::parameter_invalid,
                     path + ": line " + number + " holds a zero byte; give text with one line a row"};
    names.push_back(line);
  }
  if (in.bad())
    return failure{ec::io_failed, path + ": cannot be read: " + std::generic_category().message(errno)};
  return names;
}

segment_rows cut(const prepared_import& what, std::size_t from, std::size_t to) {
  segment_rows rows;
  for (auto row = from; row < to; ++row)
    rows.ids.push_back(what.plan.first_row_id + static_cast<std::int64_t>(row));
  auto value_at = [&](std::size_t row) {
    return what.vectors.values.begin() + static_cast<std::ptrdiff_t>(row * what.vectors.columns);
  };
  rows.vectors.assign(value_at(from), value_at(to));
  if (!what.names.empty())
    rows.names.assign(what.names.begin() + static_cast<std::ptrdiff_t>(from),
                      what.names.begin() + static_cast<std::ptrdiff_t>(to));
  return rows;
}

} // namespace

result<prepared_import> prepare_import(const import_plan& plan) {
  if (auto why = check_plan(plan))
    return *why;
  auto vectors = read_npy_floats(plan.vectors_path);
  if (!vectors)
    return vectors.error();
  prepared_import prepared;
  prepared.plan = plan;
  prepared.vectors = std::move(*vectors);
  auto rows = prepared.vectors.rows;
  if (prepared.segment_count() > limits::import_segments)
    return refuse(std::to_string(rows) + " rows make " + std::to_string(prepared.segment_count())
                  + " segments, more than " + std::to_string(limits::import_segments)
                  + "; use more rows a segment, or append in several imports");
  if (static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - plan.first_row_id) < rows)
    return refuse("row ids from " + std::to_string(plan.first_row_id) + " on do not suffice for " + std::to_string(rows)
                  + " rows; start lower");
  if (auto bad = find_unusable_row(plan.metric, prepared.dimension(), prepared.vectors.values))
    return failure{ec::parameter_invalid, plan.vectors_path + ": row " + std::to_string(bad->row) + " (from 0) "
                                              + bad->why + "; repair or leave out that row, or use another metric"};
  if (plan.names_path) {
    auto names = read_names(*plan.names_path);
    if (!names)
      return names.error();
    if (names->size() != rows)
      return failure{ec::parameter_invalid, *plan.names_path + ": has " + std::to_string(names->size()) + " names, but "
                                                + plan.vectors_path + " has " + std::to_string(rows)
                                                + " rows; give one line a row"};
    prepared.names = std::move(*names);
  }
  return prepared;
}

result<std::vector<catalogue_segment>> build_segments(const prepared_import& what, const std::string& store,
                                                      const std::string& folder, std::span<const segment_id> ids,
                                                      std::span<const std::string> channels,
                                                      const import_progress& progress) {
  auto count = what.segment_count();
  if (ids.size() != count || channels.size() != what.plan.shards)
    return refuse(std::to_string(ids.size()) + " segment ids and " + std::to_string(channels.size())
                  + " channels given for " + std::to_string(count) + " segments and " + std::to_string(what.plan.shards)
                  + " shards; give one each");
  std::vector<catalogue_segment> made;
  made.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto from = i * what.plan.segment_rows;
    auto to = std::min(from + what.plan.segment_rows, what.vectors.rows);
    auto written = write_segment(store, folder, ids[i], what.plan.metric, what.dimension(), cut(what, from, to));
    if (!written) {
      for (auto& each : made)
        static_cast<void>(remove_segment(store, each.file)); // The first failure is the one to tell.
      return written.error();
    }
    written->channel = channels[i % channels.size()];
    made.push_back(std::move(*written));
    if (progress)
      progress(made.size(), count);
  }
  return made;
}

} // namespace muster
