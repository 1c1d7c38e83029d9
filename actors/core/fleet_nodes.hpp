// A fleet of simulated query nodes over the cores of the real one: the same hellos, orders, fences and reports, no vectors.
#pragma once

#include "actors/core/node_book.hpp"
#include "actors/core/node_segments.hpp"
#include "actors/core/node_shard.hpp"
#include "messages/limits.hpp"
#include "messages/msg.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace muster {

struct fleet_settings {
  std::size_t nodes = 1;
  std::string name = "fleet";      ///< Node i, from 1, is "<name>-<i>".
  std::string address;             ///< What all nodes name as theirs.
  std::uint64_t incarnation = 0;   ///< Of this start, as for a real node.
  std::uint32_t memory_mb = 0;
  std::uint32_t cpus = 0;          ///< 0: not said.
  std::int64_t load_ns = 0;        ///< What one load takes; a node has limits::loads_at_once at a time.
  double refuse = 0;               ///< Share of the orders that a node refuses.
  double lie = 0;                  ///< Share of the loads after which it reports what it was not given or forgets what it had.
  std::uint64_t seed = 1;
};

struct fleet_counts {
  std::uint64_t orders = 0;
  std::uint64_t refused = 0;
  std::uint64_t loads = 0;
  std::uint64_t lies = 0;
  std::size_t welcomed = 0; ///< Nodes that the coordinator has now.
  std::size_t segments = 0;
  std::size_t shards = 0;
};

/// All nodes of a fleet in one table; what they say to each other are calls in it, so a load costs microseconds.
/// Each event is one call; `take` then does what follows from all of them and returns what goes to the wire.
/// Times are nanoseconds of any one steady clock.
class fleet_nodes {
public:
  struct actions {
    std::vector<std::int64_t> dials;  ///< Links to open to the coordinator.
    std::vector<std::pair<std::int64_t, msg<schema::NodeFrame>>> frames; ///< By link, in this order.
    std::vector<std::int64_t> closes; ///< After the frames.
    std::vector<std::string> notes;   ///< What a person should read, of the first node it happens to.
    bool more = false; ///< Something is left for another call, soon, but after what came meanwhile.
  };

  fleet_nodes(fleet_settings settings, std::int64_t now);
  ~fleet_nodes();

  void opened(std::int64_t link, std::int64_t now);
  void frame(std::int64_t link, kj::ArrayPtr<const kj::byte> bytes, std::int64_t now);
  void closed(std::int64_t link, const std::string& reason, std::int64_t now);
  /// Dials, ends loads, finds a silent coordinator. Cost: what is due, and once in limits::silence_check the nodes.
  void on_time(std::int64_t now);
  /// When on_time has something to do; always something.
  std::int64_t next_time() const;
  /// Every node says that it ends.
  void leave();

  actions take(std::int64_t now);

  /// Cost: the nodes.
  fleet_counts counts() const;

private:
  struct caller {
    std::size_t leader = 0; ///< Node of the shard that asked.
    shard_key shard;
    std::uint64_t call = 0;
    bool load = false;
    std::int64_t task = 0; ///< Not 0: an order to the node itself.
    std::int64_t link = 0;
  };
  struct result_row {
    std::int64_t task = 0;
    failure why{ec::ok, {}};
    std::vector<report_mark> marks;
  };
  struct led_shard;
  struct node;
  struct load_end {
    std::size_t node = 0;
    node_segments::start what;
  };

  node* by_link(std::int64_t link);
  void dial_later(std::size_t i, std::int64_t at);
  void hang_up(node& n, std::int64_t wait, std::int64_t now);
  void lost(node& n, std::int64_t wait, std::int64_t now);
  void welcome(node& n, schema::CoordinatorFrame::Welcome::Reader w);
  void obey(node& n, schema::Orders::Reader orders);
  void route(node& n, schema::Order::Reader order);
  void own_order(node& n, schema::Order::Reader order);
  std::uint64_t own_caller(node& n, std::int64_t task);
  void order(node& n, node_shard& shard, schema::Order::Reader order);
  void settle_shard(node& n, const shard_key& key);
  void settle_segments(node& n, std::int64_t now);
  void end_load(node& n, const node_segments::start& what);
  void lie(node& n, const load_source& source);
  void call_worker(node& leader, const shard_key& key, node_id worker, std::uint64_t call, bool load,
                   const load_source& source, std::int64_t version);
  void answer(node& n, std::int64_t task, const failure& why, std::vector<report_mark> marks);
  void give(const caller& who, const std::optional<failure>& why, report_mark mark);
  void forget(node& n, const shard_key& key);
  report_mark own_mark(const node& n) const;
  void complete_report(node& n);
  void write_changes(node& n);
  void write_pages(node& n, const std::vector<report_page>& pages);
  void write_results(node& n);
  template <class Fill>
  void write(node& n, Fill&& fill);
  bool chance(double share);
  std::uint64_t draw();

  fleet_settings settings_;
  std::uint64_t random_;
  std::int64_t now_ = 0;
  std::vector<std::unique_ptr<node>> nodes_;
  std::unordered_map<std::int64_t, std::size_t> by_id_;     ///< Node id -> index.
  std::set<std::pair<std::int64_t, std::size_t>> dials_;    ///< (time, node)
  std::multimap<std::int64_t, load_end> load_ends_;
  std::int64_t next_silence_check_ = 0;
  std::vector<std::pair<std::size_t, shard_key>> unsettled_shards_;
  std::vector<std::size_t> unsettled_segments_;
  std::deque<std::size_t> incomplete_; ///< Nodes that have reported what they lead, but not yet what they hold.
  std::vector<std::size_t> touched_; ///< Nodes with something to write.
  fleet_counts counts_;
  bool noted_refusal_ = false;
  bool leaving_ = false;
  actions out_;
};

} // namespace muster
