// The world of one seed: time, network, faults, clients, and the order in which everything happens.
#pragma once

#include "tests/simulation/model.hpp"
#include "tests/simulation/options.hpp"
#include "tests/simulation/process.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

namespace muster::sim {

/// What a run did, over all seeds; printed at its end.
struct totals {
  std::uint64_t seeds = 0;
  std::uint64_t messages = 0;
  std::uint64_t crashes = 0;
  std::uint64_t partitions = 0;
  std::uint64_t loads = 0;
  std::uint64_t moves = 0;
  std::uint64_t drained = 0;
  std::uint64_t searches = 0;
  std::uint64_t partition_changes = 0; ///< Loads and releases of partitions that were answered.
  std::uint64_t switched = 0;
  std::uint64_t bad_records = 0;
  // Of explained seeds: how many there were, how many causes were the injected one, how many came right by the event that was named.
  std::uint64_t injected = 0;
  std::uint64_t explained = 0;
  std::uint64_t unblocked = 0;
};

struct outcome {
  verdict how = verdict::clean;
  std::string text;
  std::uint64_t hash = 0;
  std::int64_t virtual_time = 0;
  std::int64_t healed_after = 0;
};

/// Receives one line of the trace; null: no trace.
using trace_sink = void (*)(std::string);

class world : public outside {
public:
  /// Of run_explained: what was explained wrongly; empty: nothing.
  const std::string& wrong() const {
    return wrong_;
  }

  world(const options& o, totals& sums, trace_sink sink);
  ~world() override;

  outcome run();

  /// Instead of a workload: one thing is broken, its explanation asked for, the event that it names withheld or brought about
  /// (explained.cpp).
  outcome run_explained();

private:
  // -- time and order (world.cpp) -------------------------------------------------
  struct event {
    std::int64_t at;
    std::uint64_t order;
    std::function<void()> happens;
    bool operator<(const event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void after(std::int64_t delay, std::function<void()> happens);
  void drain();
  bool run_job();
  bool advance();
  void finish_stops();
  outcome end_all(); ///< The end of a run, and what it came to.
  template <class... Ts>
  void trace(const Ts&... parts);
  void mix(std::uint64_t value);
  void mix(std::string_view bytes);
  void fail(verdict how, std::string text);
  bool running() const {
    return result_.how == verdict::clean;
  }

  // -- processes (world.cpp) --------------------------------------------------------
  void start(process& p);
  void stop(process& p, bool powers_off, const char* why);
  void restart_later(process& p, std::int64_t delay);
  void pause(process& p, std::int64_t time);
  void resume(process& p);
  /// Does `what` in the process now, or when it is no longer paused; not at all when that start of it has ended.
  void inside(process& p, std::uint64_t generation, std::function<void()> what);
  process* node_with_id(std::int64_t id);
  bool can_count_on(std::int64_t node);

  // -- outside ----------------------------------------------------------------------
  void command(int process, const msg<schema::LinkCommand>& what) override;
  void answer(int process, std::uint64_t call, std::string bytes) override;
  void routes(int process, std::string bytes) override;
  void published(int process, const situation& now) override;
  void actor_is_slow(int process, bool disk) override;
  void fatal(int process, const std::string& text) override;
  void committed(int process, const std::vector<journal_row>& rows) override;
  void disk_failed(int process, append_outcome how) override;
  void power_fails(int process) override;
  void drained(int process) override;
  void released(int process, segment_id segment) override;

  // -- the network (network.cpp) ------------------------------------------------------
  struct item {
    enum { opened, frame, closed } kind = frame;
    std::string bytes;
    const char* reason = "";
    bool ended = false;
    std::int64_t at = 0;
  };
  struct endpoint {
    int process = -1;
    std::uint64_t generation = 0;
    std::int64_t link = 0;
    bool closed = false; ///< Its owner heard so, or is gone.
  };
  struct connection {
    bool peer = false;
    bool accepted = false;
    bool broken = false; ///< Frames sent from now on are lost.
    endpoint ends[2];    ///< The one that dialled, the one that was dialled.
    std::deque<item> queue[2]; ///< Towards ends[i].
  };

  std::int64_t latency();
  bool blocked(int from, int to) const;
  /// Runs `what` after a latency; waits while the way is blocked.
  void travel(int from, int to, std::function<void()> what);
  void travel_again(int from, int to, std::function<void()> what);
  void release_blocked();
  void block(int from, int to, std::int64_t time);

  connection* link_of(const process& p, std::int64_t link, int& side);
  void open_link(process& p, std::int64_t link, std::string address, bool peer);
  void arrive_dial(std::uint64_t id, int target);
  void send_frame(process& p, std::int64_t link, std::string_view bytes);
  void close_link(process& p, std::int64_t link);
  void push(std::uint64_t id, int towards, item what);
  void deliver(std::uint64_t id, int towards);
  void tell(endpoint& e, bool peer, const item& what);
  void cut(std::uint64_t id, bool both);
  void lose_tail(connection& c, int towards);
  void end_links(process& p, bool silent);
  void look_at_frame(process& p, connection& c, int side, std::string_view bytes);
  void look_at_order(process& p, std::string_view bytes, bool peer);
  void look_at_keys(const connection& c, schema::Orders::Reader orders);

  // -- clients (client.cpp) -------------------------------------------------------------
  struct call {
    int target = 0;
    std::uint64_t generation = 0; ///< Of the target, once it arrived.
    std::string bytes;
    load_change change;
    int copies = 0;               ///< On their way or at work.
    std::set<std::uint64_t> ports;
    bool answered = false;        ///< The client has an answer or gave up.
    std::function<void(const std::string& reply)> done; ///< Empty reply: none, or the connection was lost.
  };

  void ask(int target, std::string bytes, std::int64_t timeout, bool twice, load_change change,
           std::function<void(const std::string&)> done);
  void arrive_call(std::uint64_t id);
  void end_copy(std::uint64_t id, const std::string& reply, bool arrived);
  void lose_calls(process& p, bool silent);
  void operate();
  void search_something();
  void move_by_hand();
  void transfer_by_hand();
  void change_policy();
  void import(const std::string& name, bool append);
  void change(const std::string& name, bool load, int replicas, std::int64_t timeout, std::function<void(bool)> done);
  void search(const std::string& name, const std::string& channel, std::int64_t node, const std::string& address,
              std::function<void(bool, std::string)> done);
  void read_something();
  void watch();
  std::string request(std::function<void(schema::ClientRequest::Builder)> fill, std::int64_t timeout);

  // -- faults (faults.cpp) ----------------------------------------------------------------
  void disturb();
  void heal();
  void drain_node(process& p, std::int64_t patience);
  void crash_soon(process& p, bool powers_off, std::int64_t restart_after);

  // -- liveness (liveness.cpp) -------------------------------------------------------------
  void settle();
  /// What keeps the cluster from being as it should; empty: nothing.
  std::string unsettled();
  bool can_do_without_one();
  void final_searches();
  void check_releases();

  // -- partitions and switches (operators.cpp) --------------------------------------------
  void change_partitions();
  void change_switches();
  std::string switches_unsettled(); ///< Ends what is switched off, and says what.
  /// Some partition of a collection that the catalogue has, perhaps; a new name, too.
  std::string some_partition();
  void spoil_disk();
  void check_recovery(const situation& now);

  // -- resource groups (groups.cpp) --------------------------------------------------------
  void change_groups();
  std::string some_group();
  /// For a load or a change of so many replicas; mostly none.
  std::vector<std::string> some_groups(int replicas);
  std::string groups_unsettled(); ///< Does what is still to be done, and says what.
  std::string groups_wrong() const; ///< Empty: nothing.

  // -- explanations (explained.cpp) --------------------------------------------------------
  /// Time passes until it is `when` or `until` holds. True: it holds.
  bool pass(std::int64_t time, const std::function<bool()>& until = [] { return false; });
  /// A request as it would be on a quiet line; null: no answer.
  msg<schema::ClientReply> ask_and_wait(std::function<void(schema::ClientRequest::Builder)> fill, std::int64_t timeout);
  schema::Explanation::Reader explained(const std::string& subject, const std::string& name);
  bool explained_well(const std::string& subject, const std::string& of);
  bool import_and_wait(const std::string& name, bool append);
  void begin_load(const std::string& name, int replicas, bool refresh);
  void switch_checker(const std::string& name, bool on);
  std::string inject();
  void unblock(const std::string& event);

  std::shared_ptr<store_faults> store_ = std::make_shared<store_faults>();
  std::string about_, asked_; ///< What is asked: kind and name.
  std::set<std::string> accepted_; ///< Causes that say what was injected.
  std::string switched_off_;
  std::string wrong_; ///< What an explanation got wrong.
  std::int64_t asked_at_ = 0;
  msg<schema::ClientReply> last_answer_;

  options options_;
  prng random_;
  prng hands_; ///< For moves by hand.
  prng grouping_; ///< For changes of resource groups and replicas.
  prng operating_; ///< For partitions, switches and bad records.
  totals& sums_;
  trace_sink sink_;
  outcome result_;
  std::uint64_t hash_ = 0xcbf29ce484222325ull;
  std::int64_t now_ = 0;
  std::uint64_t next_order_ = 0;
  std::priority_queue<event> events_;
  std::vector<std::unique_ptr<process>> processes_; ///< The coordinator, then the nodes.
  int current_process_ = -1;
  std::uint64_t current_actor_ = 0;
  std::uint64_t incarnations_ = 0;

  // network
  std::uint64_t next_connection_ = 1;
  std::map<std::uint64_t, connection> connections_;
  std::map<std::pair<int, std::int64_t>, std::uint64_t> by_end_; ///< Process, link: of the current start.
  std::map<std::pair<int, int>, int> blocks_;
  std::vector<std::pair<std::pair<int, int>, std::function<void()>>> blocked_;

  // storage
  std::shared_ptr<memory_disk> disk_ = std::make_shared<memory_disk>();
  std::shared_ptr<disk_faults> disk_faults_ = std::make_shared<disk_faults>();
  std::shared_ptr<sim_data> data_ = std::make_shared<sim_data>();

  // checks
  model model_;
  struct release_seen {
    int worker = 0;
    std::uint64_t generation = 0;
    std::int64_t segment = 0;
    std::int64_t at = 0;
  };
  std::vector<release_seen> releases_;
  std::map<std::pair<int, std::uint64_t>, std::uint64_t> obeyed_; ///< Node start -> epoch.
  /// An order on a segment of a replica that is not answered yet.
  struct open_order {
    std::int64_t task = 0;
    std::int64_t node = 0;
    std::int64_t worker = 0;
    std::int64_t source = 0; ///< Of a move.
    std::int64_t at = 0;
    std::uint64_t connection = 0;
  };
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, open_order> open_orders_; ///< Collection, replica, segment.
  std::tuple<std::int64_t, std::int64_t, std::int64_t> last_moved_{};
  std::string old_orders_; ///< Of an earlier epoch, for a ghost.
  std::uint64_t old_orders_epoch_ = 0;
  std::int64_t last_movement_ = 0; ///< When orders last left or a task was in flight.

  // clients
  std::uint64_t next_call_ = 1;
  std::map<std::uint64_t, call> calls_;
  std::map<std::uint64_t, std::uint64_t> call_of_port_; ///< Number at the port -> call.
  std::map<std::string, msg<schema::CollectionRoutes>> routes_;
  std::uint64_t watched_generation_ = 0;
  std::set<std::string> known_; ///< Collections whose import was answered.
  int named_ = 0;

  // phases
  bool disturbed_ = true; ///< Faults and workload; false: healed.
  std::int64_t healed_at_ = 0;
  const situation* seen_ = nullptr; ///< Newest that the running coordinator published; it lives in one of its actors.
  std::set<std::int64_t> moves_;    ///< Tasks that move something.
  enum class settling { no, waiting, searching, quiet, draining, done } settling_ = settling::no;
  std::int64_t settled_at_ = 0;
  int final_open_ = 0;
  bool groups_stay_ = false;    ///< After healing, unless there are too few nodes.
  bool putting_back_ = false;
  bool switching_ = false;      ///< A request that switches something is on its way.
  std::set<std::string> doubtful_switches_; ///< Nobody knows how a request for them ended.
  bool recovery_checked_ = false;
  durable_truth at_start_;      ///< What was on the disk when the coordinator that runs had started; without targets.
  process* last_drained_ = nullptr; ///< The node that is drained after everything has come to rest.
  std::string last_unsettled_;
};

} // namespace muster::sim
