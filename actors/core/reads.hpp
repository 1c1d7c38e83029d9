// Reads of partitions, segments and nodes that a situation alone answers, and what is told of settings and health.
#pragma once

#include "actors/core/settings.hpp"
#include "actors/core/situation.hpp"
#include "messages/result.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/state.capnp.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// Ids and names of a collection's partitions, as the data source has them.
using partition_names = std::vector<std::pair<std::int64_t, std::string>>;

partition_names partitions_of(schema::DataCollection::Reader collection);

/// The partitions that texts mean, each by name or by id; partition_not_found naming the first that there is not.
result<std::vector<std::int64_t>> find_partitions(const partition_names& all, capnp::List<capnp::Text>::Reader asked,
                                                  std::string_view collection);

/// True for a request that write_read answers.
bool is_read(schema::ClientRequest::Which which);

/// What a request is about, for the log of events: "loadCollection words".
struct request_subject {
  std::string method;
  std::string collection; ///< Its name; empty: the request names none.
  std::string text;       ///< Method and name of what it is about.
};
request_subject subject_of(schema::ClientRequest::Reader request);

/// The status in the arm of a reply, or that of the reply itself.
failure outcome_of(schema::ClientReply::Reader reply);

/// Answers ListLoadedSegments, GetQueryNodeDistribution, CheckQueryNodeDistribution, CheckBalanceStatus and CheckHealth. Cost: what the answer names; CheckHealth and ListLoadedSegments: all collections.
void write_read(const situation& s, schema::ClientRequest::Reader request, schema::ClientReply::Builder out);

/// CheckHealth, with what keeps the journal from being written; empty: nothing. Cost: all nodes and collections.
void write_health(const situation& s, std::string_view journal_trouble, schema::CheckHealthReply::Builder out);

/// ListQueryNode; who was heard when is node_manager's to say.
void write_nodes(const situation& s, schema::NodesHeardReply::Reader heard, schema::ListQueryNodeReply::Builder out);

/// GetComponentStates: of a coordinator in this state, and of the nodes that it knows.
void write_states(const situation& s, std::string_view state, schema::GetComponentStatesReply::Builder out);

/// How much of a desired partition is found, 0 to 100; 100 only when it is loaded. Cost: the collection's segments.
std::uint32_t partition_percentage(const collection_view& view, std::int64_t partition);

/// 100 when no newer target than the current one is on its way, else 0.
std::uint32_t refresh_progress(const collection_view& view);

/// The partitions asked for, or all that are desired when `asked` is empty; partition_not_loaded for one that is not.
void write_partitions(const collection_view& view, const partition_names& names, const std::vector<std::int64_t>& asked,
                      schema::ShowLoadPartitionsReply::Builder out);
void write_partition_states(const collection_view& view, const partition_names& names, const std::vector<std::int64_t>& asked,
                            schema::GetPartitionStatesReply::Builder out);

/// Settings whose key contains the pattern, letters of any case. `table` has what was given for this start, `switches` what at run time.
void write_configurations(const setting_table& table, std::string_view pattern, schema::ShowConfigurationsReply::Builder out);

/// The table with what was set at run time on top; what it does not accept (a key of a newer version) is left out.
setting_table with_switches(setting_table given, const switches_row& switches);

/// One setting, for people.
void write_configuration(const setting_table& table, const setting_spec& spec, schema::ConfigurationInfo::Builder out);

} // namespace muster
