// What a load or release asks for, whichever request it came in.
#pragma once

#include "actors/core/settings.hpp"
#include "messages/result.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/state.capnp.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace muster {

using job_kind = schema::RunJob::Kind;

struct load_terms {
  job_kind kind = job_kind::LOAD_COLLECTION;
  std::string collection;
  std::vector<std::string> partitions; ///< By name or id.
  std::uint32_t replica_number = 0;    ///< 0: not said.
  std::vector<std::string> groups;     ///< Empty: not said.
  std::vector<std::string> load_fields;
  bool low_priority = false;
  bool refresh = false;
  bool user_specified = false; ///< The request itself said how many replicas.

  bool loads() const {
    return kind == job_kind::LOAD_COLLECTION || kind == job_kind::LOAD_PARTITIONS;
  }
  /// True when how it is loaded is left to the collection, its database and the cluster.
  bool undecided() const {
    return loads() && replica_number == 0 && groups.empty();
  }
};

/// True for a request that is carried out as a job of its collection.
bool is_job(schema::ClientRequest::Which which);

/// The terms of such a request; parameter_invalid for what can never be carried out.
result<load_terms> terms_of(schema::ClientRequest::Reader request);

/// Fills in what was left open: from the collection's properties collection.replica.number and collection.resource_groups, else
/// from its database's, database.replica.number and database.resource_groups, else from the cluster's settings; each for itself, the
/// first that says something. A value that cannot be used says nothing.
void decide(load_terms& terms, schema::DataCollection::Reader data, const settings& cluster);

/// What is wrong with properties that a database is to have; empty: nothing. Keys that are unknown mean nothing here.
std::string flaw_of_database_properties(capnp::List<schema::Property>::Reader properties);

/// The reply of such a request, in its arm.
void write_job_reply(schema::ClientRequest::Which which, const failure& why, std::int64_t collection,
                     schema::ClientReply::Builder out);

} // namespace muster
