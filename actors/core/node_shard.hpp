// The view of one shard delegator: which worker serves which segment, what is served, what may be dropped; no CAF.
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace muster {

/// Which shard a delegator leads.
struct shard_key {
  collection_id collection;
  std::string channel;
  replica_id replica;

  friend auto operator<=>(const shard_key&, const shard_key&) = default;
};

/// A point in the reports of a node; see schema::Mark.
struct report_mark {
  node_id node;
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
};

/// What a worker needs to load a segment.
struct load_source {
  segment_id segment;
  collection_id collection;
  partition_id partition;
  std::int64_t rows = 0;
  std::string file;
  bool low_priority = false; ///< Behind all loads that are not.
};

struct placed_segment {
  load_source source;
  node_id worker;
};

/// Who awaits the answer of an order.
struct order_token {
  task_id task;
  link_id link;
};

/// One segment_id list per worker: how a search of a served version is scattered.
struct scatter_plan {
  target_version version = 0;
  std::vector<std::pair<node_id, std::vector<segment_id>>> parts; ///< By worker.
};

/// What the shell must do after an event, in this order: peers, loads and releases, then report and answers.
struct shard_actions {
  struct load {
    std::uint64_t call = 0;
    node_id worker;
    load_source source;
    std::int64_t version = 0;
  };
  struct release {
    std::uint64_t call = 0;
    node_id worker;
    segment_id segment;
  };
  struct answer {
    order_token token;
    std::optional<failure> why; ///< Nothing: ok.
    std::vector<report_mark> marks;
  };
  struct report {
    bool whole = false; ///< `set` is the whole view.
    std::int64_t version = 0;
    target_version served = 0;
    bool serviceable = false;
    std::vector<std::pair<segment_id, node_id>> set;
    std::vector<segment_id> removed;
    std::vector<std::pair<std::int64_t, std::int64_t>> stats; ///< Partition, version of its statistics: all of them.
  };
  struct progress {
    task_id task;
    std::uint32_t done = 0;
    std::uint32_t total = 0;
  };
  bool peers_changed = false; ///< `peers()` says something new.
  std::vector<load> loads;
  std::vector<release> releases;
  std::optional<report> changed;
  std::vector<answer> answers;
  bool ended = false; ///< The delegator was dropped; nothing will follow.
};

/// The view and the target of one shard, the orders that change them, the searches that hold them.
/// Each event is one call; afterwards `take` returns what follows from it.
class node_shard {
public:
  node_shard(shard_key key, node_id self) : key_(std::move(key)), self_(self) {
    // nop
  }

  const shard_key& key() const {
    return key_;
  }

  // -- orders -------------------------------------------------------------------

  /// The address of a worker that an order names.
  void name_worker(node_id worker, std::string address);
  /// Loads what the view lacks; serves `target` when all of it is there. Repeated or older, of a shard that serves: ok.
  void serve(order_token token, std::int64_t version, target_version target, std::vector<placed_segment> placed);
  /// Loads one segment, then routes it to its worker (also when another one served it before).
  void load(order_token token, std::int64_t version, placed_segment what);
  /// Forgets a route and has its worker drop the copy; fenced while the served or the wanted version needs that route.
  /// The worker is told when the searches that may still use the route have ended.
  void release(order_token token, segment_id segment, node_id worker);
  /// Ends the shard once its searches have ended; an order for an older version changes nothing.
  void drop(order_token token, std::int64_t version);
  /// Routes segments that workers hold already, forgets others; all or nothing, fenced when a forgotten one is served.
  void sync_view(order_token token, const std::vector<std::pair<segment_id, node_id>>& set,
                 const std::vector<segment_id>& removed);
  /// Uses these versions of partition statistics from now on; older ones than in use are ignored.
  void sync_stats(const std::vector<std::pair<std::int64_t, std::int64_t>>& stats);
  /// Serves `target` from now on; segment_lack when the view does not cover it. An older version: ok, ignored.
  void sync_target(order_token token, target_version target, std::vector<segment_id> segments);

  // -- workers ------------------------------------------------------------------

  /// A load ended; `mark` counts when there is no failure.
  void load_done(std::uint64_t call, const std::optional<failure>& why, report_mark mark);
  void release_done(std::uint64_t call, const std::optional<failure>& why, report_mark mark);
  void reachable(node_id worker, bool is);
  /// The worker's process started anew: its segments are gone.
  void restarted(node_id worker);
  /// The workers on other nodes that view and open calls name, with their addresses.
  std::vector<std::pair<node_id, std::string>> peers() const;

  // -- searches -----------------------------------------------------------------

  /// Admits a search: its number and plan, or why not.
  result<std::pair<std::uint64_t, std::shared_ptr<const scatter_plan>>> begin_search();
  void end_search(std::uint64_t number);
  /// A worker said in search `number` that it lacks something of its part: those routes are invalid unless newer.
  void worker_lacks(std::uint64_t number, node_id worker, const std::vector<segment_id>& part);

  // -- state --------------------------------------------------------------------

  target_version served() const {
    return served_.version;
  }
  bool serviceable() const;
  /// Empty when serviceable; otherwise one line on the first thing that keeps it from being so.
  std::string waits_for() const;
  std::optional<node_id> route(segment_id segment) const;

  /// What follows from the events since the last call.
  shard_actions take();
  /// Orders of several loads that are further than at the last call. Cost: open orders.
  std::vector<shard_actions::progress> take_progress();

private:
  struct entry {
    node_id worker;
    std::uint64_t stamp = 0; ///< Number of the call or event that made it.
  };
  struct worker_state {
    std::string address;
    bool reachable = false;
    std::size_t uses = 0; ///< Routes and open calls that name it.
  };
  struct version_list {
    target_version version = 0;
    std::vector<segment_id> segments; ///< Sorted.
    mutable std::size_t hint = 0;     ///< Where the last scan found a lack.
  };
  struct order {
    order_token token;
    std::size_t open = 0; ///< Calls that it waits for.
    std::size_t total = 0; ///< Calls that it began.
    std::size_t told = 0; ///< Of those, ended at the last take_progress.
    target_version target = 0;
    std::optional<failure> why;
    std::map<std::pair<node_id, std::uint64_t>, std::uint64_t> marks; ///< Newest seq by (node, incarnation).
  };
  struct open_load {
    segment_id segment;
    node_id worker;
    std::vector<std::uint64_t> orders;
  };
  struct open_release {
    std::uint64_t order = 0;
    segment_id segment;
    node_id worker;
    bool told = false;       ///< The worker is told when all searches with a lower number have ended.
    bool forget = false; ///< Planted bug: the route is forgotten after the worker's answer.
  };

  bool refused_as_dropping(order_token token);
  void use(node_id worker);
  void unuse(node_id worker);
  void start_load(std::uint64_t order_number, std::int64_t version, placed_segment what);
  void keep_mark(order& o, const std::optional<failure>& why, report_mark mark);
  void close_call(std::uint64_t order_number, const std::optional<failure>& why, report_mark mark);
  void finish(std::uint64_t order_number);
  void answer(order_token token, std::optional<failure> why, std::vector<report_mark> marks = {});
  void set_route(segment_id segment, node_id worker, std::uint64_t stamp);
  void erase_route(segment_id segment);
  bool usable(segment_id segment) const;
  std::optional<segment_id> first_lack(const version_list& list) const;
  std::string describe_lack(segment_id segment) const;
  failure lack_of(target_version version, segment_id segment) const;
  void view_changed();
  void tell_releases();
  void end_if_quiet();
  bool is_loading(segment_id segment) const;
  bool needs(const version_list& list, segment_id segment) const;
  shard_actions::report make_report();

  shard_key key_;
  node_id self_;
  std::int64_t version_ = 0;
  std::map<segment_id, entry> view_;
  std::map<node_id, worker_state> workers_;
  version_list served_;
  version_list wanted_;
  std::map<std::int64_t, std::int64_t> stats_; ///< Version by partition.
  std::uint64_t next_ = 1; ///< Numbers of orders, calls, searches and stamps: one order of events.
  std::map<std::uint64_t, order> orders_;
  std::map<std::uint64_t, open_load> loads_;
  std::map<std::pair<segment_id, node_id>, std::uint64_t> loading_;
  std::map<std::uint64_t, open_release> releases_;
  std::set<std::uint64_t> searches_;
  std::shared_ptr<const scatter_plan> plan_;
  mutable std::optional<std::optional<segment_id>> served_lack_; ///< first_lack(served_), while nothing changes.
  std::vector<order_token> dropping_; ///< The orders that drop it; empty: none.
  bool ended_ = false;

  shard_actions out_;
  bool reported_ = false;
  std::set<segment_id> touched_; ///< Since the last report.
  shard_actions::report last_;   ///< Without its lists.
};

} // namespace muster
