// Terms of loads and releases.
#include "actors/core/load_terms.hpp"

#include "actors/core/answers.hpp"
#include "messages/limits.hpp"
#include "messages/status.hpp"

#include <charconv>
#include <optional>
#include <string_view>

namespace muster {

namespace {

using Request = schema::ClientRequest;

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

std::vector<std::string> texts(capnp::List<capnp::Text>::Reader list) {
  std::vector<std::string> out;
  for (auto t : list)
    out.push_back(text(t));
  return out;
}

/// Comma separated, without blanks and empty entries.
std::vector<std::string> list_of(std::string_view value) {
  std::vector<std::string> out;
  while (!value.empty()) {
    const auto comma = std::min(value.find(','), value.size());
    auto one = value.substr(0, comma);
    value.remove_prefix(std::min(comma + 1, value.size()));
    const auto from = one.find_first_not_of(" \t");
    if (from == std::string_view::npos)
      continue;
    out.emplace_back(one.substr(from, one.find_last_not_of(" \t") - from + 1));
  }
  return out;
}

std::optional<std::uint32_t> number_of(std::string_view value) {
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
  if (error != std::errc{} || end != value.data() + value.size())
    return std::nullopt;
  return n;
}

/// Of the properties of one level, what the levels before it have left open.
void take_from(capnp::List<schema::Property>::Reader properties, std::string_view level, load_terms& terms) {
  const std::string prefix{level};
  for (auto p : properties) {
    if (terms.replica_number == 0 && view(p.getKey()) == prefix + ".replica.number")
      terms.replica_number = number_of(view(p.getValue())).value_or(0);
    else if (terms.groups.empty() && view(p.getKey()) == prefix + ".resource_groups")
      terms.groups = list_of(view(p.getValue()));
  }
}

template <class Load>
void read_load(Load r, load_terms& t) {
  t.collection = text(r.getCollection());
  t.replica_number = r.getReplicaNumber();
  t.groups = texts(r.getResourceGroups());
  t.load_fields = texts(r.getLoadFields());
  t.low_priority = r.getLowPriority();
  t.refresh = r.getRefresh();
  t.user_specified = t.replica_number > 0;
}

} // namespace

bool is_job(Request::Which which) {
  switch (which) {
    case Request::LOAD_COLLECTION:
    case Request::RELEASE_COLLECTION:
    case Request::LOAD_PARTITIONS:
    case Request::RELEASE_PARTITIONS:
    case Request::SYNC_NEW_CREATED_PARTITION:
      return true;
    default:
      return false;
  }
}

result<load_terms> terms_of(Request::Reader request) {
  load_terms t;
  switch (request.which()) {
    case Request::LOAD_COLLECTION:
      t.kind = job_kind::LOAD_COLLECTION;
      read_load(request.getLoadCollection(), t);
      break;
    case Request::LOAD_PARTITIONS:
      t.kind = job_kind::LOAD_PARTITIONS;
      read_load(request.getLoadPartitions(), t);
      t.partitions = texts(request.getLoadPartitions().getPartitions());
      break;
    case Request::RELEASE_COLLECTION:
      t.kind = job_kind::RELEASE_COLLECTION;
      t.collection = text(request.getReleaseCollection().getCollection());
      break;
    case Request::RELEASE_PARTITIONS:
      t.kind = job_kind::RELEASE_PARTITIONS;
      t.collection = text(request.getReleasePartitions().getCollection());
      t.partitions = texts(request.getReleasePartitions().getPartitions());
      if (t.partitions.empty())
        return failure{ec::parameter_invalid, "no partition of " + t.collection
                                                + " is named; name some, or release the whole collection"};
      break;
    case Request::SYNC_NEW_CREATED_PARTITION:
      t.kind = job_kind::SYNC_NEW_CREATED_PARTITION;
      t.collection = text(request.getSyncNewCreatedPartition().getCollection());
      t.partitions = {text(request.getSyncNewCreatedPartition().getPartition())};
      break;
    default:
      return failure{ec::internal, "a request that is no job"};
  }
  t.collection = std::string{plain_name(t.collection)}; // jobs are serial by name
  if (t.replica_number > limits::replicas)
    return failure{ec::parameter_invalid, "asked for " + std::to_string(t.replica_number) + " replicas; at most "
                                            + std::to_string(limits::replicas) + " can be had"};
  return t;
}

void decide(load_terms& terms, schema::DataCollection::Reader data, const settings& cluster) {
  if (!terms.undecided())
    return;
  take_from(data.getProperties(), "collection", terms);
  take_from(data.getDatabaseProperties(), "database", terms);
  if (terms.replica_number == 0 && cluster.cluster_level_load_replica_number > 0)
    terms.replica_number = static_cast<std::uint32_t>(cluster.cluster_level_load_replica_number);
  if (terms.groups.empty())
    terms.groups = cluster.cluster_level_load_resource_groups;
}

std::string flaw_of_database_properties(capnp::List<schema::Property>::Reader properties) {
  for (auto p : properties)
    if (const auto value = view(p.getValue()); view(p.getKey()) == "database.replica.number")
      if (const auto n = number_of(value); !n || *n > limits::replicas)
        return "database.replica.number is \"" + std::string{value} + "\"; it must be a number from 0 (not said) to "
               + std::to_string(limits::replicas);
  return {};
}

void write_job_reply(Request::Which which, const failure& why, std::int64_t collection, schema::ClientReply::Builder out) {
  switch (which) {
    case Request::LOAD_COLLECTION: {
      auto r = out.initLoadCollection();
      set_status(r.initStatus(), why);
      r.setCollectionId(collection);
      break;
    }
    case Request::LOAD_PARTITIONS: {
      auto r = out.initLoadPartitions();
      set_status(r.initStatus(), why);
      r.setCollectionId(collection);
      break;
    }
    case Request::RELEASE_COLLECTION:
      set_status(out.initReleaseCollection().initStatus(), why);
      break;
    case Request::RELEASE_PARTITIONS:
      set_status(out.initReleasePartitions().initStatus(), why);
      break;
    case Request::SYNC_NEW_CREATED_PARTITION:
      set_status(out.initSyncNewCreatedPartition().initStatus(), why);
      break;
    default:
      set_status(out.initStatus(), why);
      break;
  }
}

} // namespace muster
