// What must be true, kept apart from Muster's own bookkeeping: from commits, from answers, from the reports that leave nodes.
#pragma once

#include "actors/core/rows.hpp"
#include "actors/interfaces.hpp"
#include "persistence/journal.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace muster::sim {

/// How a failing seed is told; also the exit code.
enum class verdict { clean = 0, safety = 10, liveness = 11, determinism = 12, crash = 13 };

const char* to_string(verdict v);

/// The desired state and the targets as they are on the disk, read from the rows of completed commits.
class durable_truth {
public:
  struct target {
    std::map<std::string, std::map<std::int64_t, std::int64_t>> channels; ///< Channel -> segment -> rows.
  };

  /// Returns the collections whose current version this commit changed.
  std::vector<std::int64_t> apply(const std::vector<journal_row>& rows);

  /// Some record of the collection can no longer be read: it is as if there were none.
  void damaged(std::int64_t collection);
  /// Whatever version ever was durable; null: never.
  const target* version(std::int64_t collection, std::int64_t number) const;

  std::map<std::int64_t, collection_row> collections;
  std::map<std::int64_t, head_row> heads;
  std::set<std::string> groups;            ///< Resource groups, by name.
  std::set<std::string> inactive_checkers;
  std::set<std::int64_t> suspended_nodes;
  std::map<std::int64_t, std::vector<replica_row>> replicas_at_head; ///< Of each collection when its head was written last.
  std::set<std::int64_t> fell_back; ///< Collections that were loaded and, without a release, are no longer; whoever looks takes them.

private:
  std::map<std::int64_t, std::map<std::string, std::vector<target_row>>> segments_;
  std::map<std::pair<std::int64_t, std::int64_t>, target> versions_;
};

/// What a node process said in its reports.
struct reported_node {
  struct delegator {
    std::int64_t collection = 0;
    std::string channel;
    std::int64_t replica = 0;
    std::int64_t version = 0;
    std::int64_t served = 0;
    bool serviceable = false;
    std::map<std::int64_t, std::int64_t> view; ///< Segment -> worker.
  };

  std::map<std::pair<std::int64_t, std::string>, delegator> delegators;
  bool told = false; ///< A full report has left since the link was opened.
};

/// What clients were told, per collection.
struct promise_made {
  int open = 0;         ///< Loads and releases on their way or at work.
  bool certain = false; ///< The last one was answered and none was open then.
  bool loaded = false;
  bool whole = false;   ///< All of it was loaded, and nothing of it was released since.
  std::set<std::int64_t> in;  ///< Partitions that were loaded one by one and are.
  std::set<std::int64_t> out; ///< Partitions that were released one by one and stay out.
};

/// What a request changes of what is loaded.
struct load_change {
  enum { nothing, load, release, load_partitions, release_partitions, sync_partition } kind = nothing;
  std::string collection;
  std::vector<std::int64_t> partitions; ///< As the client knew them when it asked.

  explicit operator bool() const {
    return kind != nothing;
  }
};

class model {
public:
  using complaint = std::function<void(verdict, std::string)>;

  explicit model(complaint complain) : complain_(std::move(complain)) {
    // nop
  }

  // -- the disk -----------------------------------------------------------------

  /// `live` says whether a node can be counted on (up and connected for a while); `nodes` are those that run.
  void committed(const std::vector<journal_row>& rows, const std::function<bool(std::int64_t)>& live,
                 const std::vector<const reported_node*>& nodes);
  /// What was answered must be on the disk, whatever else is lost.
  void check_promises(const char* when);

  // -- answers --------------------------------------------------------------------

  void given_ids(std::int64_t first, std::int64_t count);
  void sent(const load_change& what);
  /// `ok`: it was answered, and not with a failure.
  void ended(const load_change& what, bool ok);
  /// Nobody can say any more what is loaded of it, nor which partition is which.
  void lost(const std::string& name);
  /// A search was answered without failure.
  void answered(schema::SearchRequest::Reader request, schema::SearchReply::Reader reply);

  // -- reports --------------------------------------------------------------------

  void reported(reported_node& node, schema::Report::Reader report);

  durable_truth disk;
  std::map<std::string, promise_made> promises;
  std::map<std::string, std::int64_t> ids; ///< Of collections, by name.
  std::uint64_t searches_checked = 0;

private:
  void check_whole();
  void note_cover(const reported_node::delegator& d);
  void check_groups(const journal_row& row);

  complaint complain_;
  std::map<std::int64_t, std::int64_t> given_; ///< First -> count.
  /// Collection, version, channel, replica: some delegator could serve it.
  std::set<std::tuple<std::int64_t, std::int64_t, std::string, std::int64_t>> covered_;
  std::map<std::int64_t, std::int64_t> current_;
};

} // namespace muster::sim
