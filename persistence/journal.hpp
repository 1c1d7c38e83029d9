// The durable log behind all metadata: an ordered sequence of puts and deletes, folded into a snapshot as it grows.
#pragma once

#include "messages/ids.hpp"
#include "messages/records.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// One change: `payload` set puts it under (kind, key), absent deletes (kind, key).
struct journal_row {
  std::uint64_t seq = 0; ///< Strictly consecutive over the life of a journal, from 1.
  epoch_number epoch = 0;
  record_kind kind = record_kind::epoch;
  std::string key;
  std::optional<std::string> payload;
};

/// A record that recovery could not use; its neighbours are unharmed.
struct bad_record {
  std::uint64_t seq = 0;
  record_kind kind = record_kind::epoch;
  std::string key;
  std::string text;
};

/// What recovery found: all live entries ordered by (kind, key), the last seq, and what was damaged.
struct journal_state {
  std::uint64_t last_seq = 0;
  std::vector<journal_entry> entries;
  std::vector<bad_record> bad;
};

/// How a failed append ended.
enum class append_outcome {
  durable,  ///< All rows are on disk.
  refused,  ///< Definitely none is (disk full, read only, rolled back): the caller may go on reading.
  unknown,  ///< Nobody can say: the process must end and replay.
};

struct append_result {
  append_outcome outcome = append_outcome::durable;
  std::string text; ///< For people; empty when durable.
};

/// A journal. Used by one thread at a time; all calls block on the disk.
class journal {
public:
  virtual ~journal() = default;

  /// Everything live, once at start. Damaged rows are in `bad`, never fatal; a file that is no journal at all, or one of a
  /// newer version, already failed at opening.
  virtual result<journal_state> recover() = 0;

  /// Appends `rows` in one atomic, durable commit. Checks that seq continues; at most `limits::journal_batch_rows`.
  virtual append_result append(const std::vector<journal_row>& rows) = 0;

  /// Folds the oldest log rows into the snapshot if the log is over its limit; a bounded slice a call. True: more to do.
  virtual bool fold() = 0;

  /// Rows with a number above `after`, by number: at most `most` of them and about `bytes` of payloads, at least one. What was folded
  /// into the snapshot is there with its newest put only. `after` 0: the last `most` of them. Damaged rows are left out.
  virtual result<std::vector<journal_row>> read(std::uint64_t after, std::size_t most, std::size_t bytes) = 0;

  /// Number of the newest row.
  virtual std::uint64_t last_seq() const = 0;

  /// For people: kind, path, rows in log and snapshot.
  virtual std::string describe() const = 0;
};

/// Opens or creates `folder`/journal.db and takes the folder's lock. Failures: old_session_exists when another live process
/// holds the lock, newer_version, io_corrupt, io_failed.
result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& folder);

/// The content of a memory journal; outlives its journals, as a disk outlives processes.
struct memory_disk {
  std::vector<journal_row> rows; ///< The log: what is not folded yet.
  std::map<std::uint64_t, std::uint64_t> checksums; ///< By seq; a row put here by hand has none and is trusted.
  std::map<std::pair<record_kind, std::string>, journal_row> snapshot;
  std::uint64_t folded_seq = 0;
  std::vector<bad_record> damaged; ///< Damaged rows that a fold met.
};

/// A journal in memory over `disk` (kept by the caller); for tests and benchmarks.
std::unique_ptr<journal> make_memory_journal(std::shared_ptr<memory_disk> disk);

/// A checksum over the parts of a row that must not change, as stored beside it.
std::uint64_t row_checksum(const journal_row& row);

} // namespace muster
