// Why something is as it is: the first condition that is not met, since when, what would change that, and what the rules say of each node.
#pragma once

#include "actors/core/balance/policy.hpp"
#include "actors/core/change_watch.hpp"
#include "actors/core/event_log.hpp"
#include "actors/core/settings.hpp"
#include "actors/core/situation.hpp"
#include "messages/result.hpp"
#include "messages/schema/inspect.capnp.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// The closed list of conditions, named by what is wrong when one is not met; in the order in which they are looked at.
enum class cause : std::uint8_t {
  none = 0,
  journal_failed,       ///< no change can be made durable
  load_given_up,        ///< nothing moved for the load timeout, so it is no longer asked for
  load_refused,         ///< the last request to load it was refused
  not_asked_for,        ///< nobody loads it, or it was released
  not_in_target,        ///< no target names it
  data_source_down,     ///< what data there is cannot be asked
  target_coming,        ///< its target is not there yet, or not everything of it is
  no_node_in_group,     ///< the resource group has no node that could serve it
  group_limits_full,    ///< a resource group may not have more nodes
  no_replica_in_group,  ///< nothing is loaded where the node is
  replica_without_node, ///< other replicas have the nodes of the group
  node_not_reported,    ///< a node has not said yet what it has
  node_suspect,         ///< a node is silent, or its link broke a moment ago
  node_gone,            ///< a node is given up
  node_stopping,        ///< a node is to end
  node_suspended,       ///< somebody keeps a node out of its group
  name_taken,           ///< another process has this node's name
  checker_off,          ///< the checker that would see to it is switched off
  balance_off,          ///< moves for evenness are switched off
  segment_file_missing, ///< a file of the segment is not in the store
  segment_file_damaged, ///< a file of the segment fails its checksum
  node_refuses,         ///< a node does not take the order
  load_failed,          ///< a node took the order and failed
  task_limit,           ///< as many tasks as there may be are in flight
  task_waiting,         ///< its task waits for a slot of a node
  task_running,         ///< its task is at work
  leader_missing,       ///< no node leads its channel, and none is chosen yet
  segment_not_placed,   ///< no node has it, and none is chosen yet
  leader_behind,        ///< the leader does not route to it yet, or serves an older target
  leader_incomplete,    ///< the leader of its channel lacks something else
};

/// The closed list of what would unblock.
enum class unblocking : std::uint8_t {
  nothing = 0,          ///< it is as it should be
  load_request,         ///< somebody loads it
  journal_writable,     ///< a write to the journal succeeds
  data_source_answers,  ///< the data source answers
  target_loaded,        ///< what is on its way arrives
  node_joins_group,     ///< a node joins the resource group, or is moved there
  group_limits_raised,  ///< the limits of the group are raised, or another node leaves it
  node_reports,         ///< the node reports what it has, or is given up
  node_heard_again,     ///< the node is heard again
  node_emptied,         ///< what it has moves elsewhere
  node_resumed,         ///< the node may be in a group again
  other_node_stopped,   ///< the other process of this name ends, or this one takes another name
  checker_activated,    ///< the checker is switched on
  balance_resumed,      ///< moves for evenness are switched on
  file_restored,        ///< the file is put back or repaired, or the segment replaced
  node_accepts,         ///< the node takes orders again, or another one joins
  tasks_end,            ///< other tasks end
  order_answered,       ///< the node finishes its order
  checker_looks,        ///< the checker has its turn
};

std::string_view to_string(cause c);
std::string_view to_string(unblocking u);

/// Something that has gone wrong and has not come right since.
struct problem {
  std::string text;
  std::int64_t since = 0;
  std::int64_t last = 0; ///< When it was last heard of.
};

/// What a situation does not say; kept by who hears of it. Bounded by its owner.
struct standing_problems {
  std::optional<problem> journal;                  ///< Its last write was refused.
  std::map<std::int64_t, problem> pulls;           ///< Of collections whose data could not be asked.
  std::map<std::string, problem, std::less<>> given_up; ///< Loads, by the collection's name.
  std::map<std::string, problem, std::less<>> refused_loads; ///< Of the last request to load a collection, by its name.
  std::map<std::string, problem, std::less<>> refused;  ///< Nodes that may not join, by name.
  std::size_t task_limit = 0;                      ///< How many there may be; 0: not known.
};

/// All that an explanation rests on. Times are those of the log.
struct explain_facts {
  const situation& view;
  const event_log& log;
  const change_watch& watch;
  const standing_problems& problems;
  const setting_table& settings; ///< In force.
  std::int64_t now = 0;
};

/// What a rule says of one node.
struct node_verdict {
  std::int64_t node = 0;
  std::string name;
  std::string verdict; ///< "chosen" (it would be now), "failing", or a balance_verdict.
  double score = 0;
  std::string text;
};

struct condition {
  cause name = cause::none;
  bool met = true;
  std::string text;
};

struct explanation {
  std::string subject;
  bool served = false;
  std::string desired;
  std::string actual;
  cause why = cause::none;
  std::string text;
  std::int64_t replica = 0;
  std::int64_t since = 0; ///< 0: not known.
  unblocking unblocked_by = unblocking::nothing;
  std::string unblock_text;
  std::vector<node_verdict> nodes;
  std::vector<condition> conditions;
  std::string why_here;
  std::string would_move;
  std::vector<std::string> elsewhere;
};

/// Explains "segment", "channel", "replica", "collection", "node" or "task" `name`. Errors as those of ExplainRequest. Cost: what
/// is looked at: of a collection or replica its segments, of a segment or channel little.
result<explanation> explain(const explain_facts& facts, std::string_view subject, std::string_view name, std::string_view collection);

void write(schema::Explanation::Builder out, const explanation& e, const explain_facts& facts);
void write(capnp::List<schema::NodeVerdict>::Builder out, const std::vector<node_verdict>& nodes);

/// Every node that might take the item of a replica, by node: the whole list behind a choice, recomputed. `segment` null: the channel itself.
/// Cost: the replica's nodes and those of its group; the tasks of the collection.
std::vector<node_verdict> verdicts_of(const situation& s, const collection_view& view, const replica_row& replica, std::uint16_t channel,
                                      const target_row* segment, const balance_settings& settings);

} // namespace muster
