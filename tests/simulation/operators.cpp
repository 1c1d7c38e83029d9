// Someone who changes partitions and switches, records that nobody can read, and the check that a start finds all others.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include "actors/core/resource_groups.hpp"

#include <algorithm>

namespace muster::sim {

namespace {

const std::vector<std::string> checkers{"segment_checker", "channel_checker", "leader_checker", "index_checker", "balance_checker"};

/// What a request that switches something came to; nothing: nobody answered.
std::optional<std::string> switched(const std::string& bytes) {
  auto r = parse<schema::ClientReply>(bytes);
  if (!r)
    return std::nullopt;
  auto status = (*r)->getStatus();
  if (status.getCode() == 0)
    switch ((*r)->which()) {
      case schema::ClientReply::ACTIVATE_CHECKER:
        status = (*r)->getActivateChecker().getStatus();
        break;
      case schema::ClientReply::DEACTIVATE_CHECKER:
        status = (*r)->getDeactivateChecker().getStatus();
        break;
      case schema::ClientReply::SUSPEND_BALANCE:
        status = (*r)->getSuspendBalance().getStatus();
        break;
      case schema::ClientReply::RESUME_BALANCE:
        status = (*r)->getResumeBalance().getStatus();
        break;
      case schema::ClientReply::SUSPEND_NODE:
        status = (*r)->getSuspendNode().getStatus();
        break;
      case schema::ClientReply::RESUME_NODE:
        status = (*r)->getResumeNode().getStatus();
        break;
      default:
        return std::nullopt;
    }
  return std::string{view(status.getReason())};
}

} // namespace

// -- partitions -----------------------------------------------------------------------

std::string world::some_partition() {
  const std::vector<std::string> names{"_default", "p1", "p2"};
  return operating_.pick(names);
}

void world::change_partitions() {
  if (!disturbed_)
    return;
  after(operating_.between(options_.partitions_every / 2, options_.partitions_every * 3 / 2), [this] { change_partitions(); });
  if (known_.empty())
    return;
  const auto name = *std::next(known_.begin(), static_cast<std::ptrdiff_t>(operating_.below(known_.size())));
  const auto& all = data_->partitions[collection_id{model_.ids.at(name)}];
  std::vector<std::string> named{some_partition()};
  if (const auto other = some_partition(); other != named.front() && operating_.chance(1, 3))
    named.push_back(other);
  load_change change;
  change.collection = name;
  for (const auto& p : all)
    if (std::find(named.begin(), named.end(), p.name) != named.end())
      change.partitions.push_back(p.id.value);
  const auto timeout = operating_.between(100, 4'000) * ms;
  const auto put = [&](auto&& list) {
    for (unsigned i = 0; i < named.size(); ++i)
      list.set(i, named[i]);
  };
  std::string what;
  auto bytes = request(
    [&](schema::ClientRequest::Builder b) {
      switch (operating_.below(9)) {
        case 0: {
          auto r = b.initCreatePartition();
          r.setCollection(name);
          r.setPartition(named.front());
          what = "creates partition " + named.front() + " of " + name;
          break;
        }
        case 1: {
          auto r = b.initDropPartition();
          r.setCollection(name);
          r.setPartition(named.front());
          what = "drops partition " + named.front() + " of " + name;
          break;
        }
        case 2:
        case 3:
        case 4: {
          auto r = b.initLoadPartitions();
          r.setCollection(name);
          put(r.initPartitions(static_cast<unsigned>(named.size())));
          if (operating_.chance(1, 3))
            r.setReplicaNumber(static_cast<std::uint32_t>(operating_.between(1, options_.replicas)));
          r.setLowPriority(operating_.chance(1, 4));
          change.kind = load_change::load_partitions;
          what = "loads partition " + named.front() + " of " + name;
          break;
        }
        case 5:
        case 6: {
          auto r = b.initReleasePartitions();
          r.setCollection(name);
          put(r.initPartitions(static_cast<unsigned>(named.size())));
          change.kind = load_change::release_partitions;
          what = "releases partition " + named.front() + " of " + name;
          break;
        }
        case 7: {
          auto r = b.initSyncNewCreatedPartition();
          r.setCollection(name);
          r.setPartition(named.front());
          change.kind = load_change::sync_partition;
          what = "syncs partition " + named.front() + " of " + name;
          break;
        }
        default: {
          auto r = b.initLoadCollection();
          r.setCollection(name);
          r.setRefresh(true);
          what = "refreshes " + name;
          break;
        }
      }
    },
    timeout);
  if (change.kind == load_change::nothing)
    for (auto id : change.partitions) { // it may be dropped: from now on the name may mean another one
      auto& promise = model_.promises[name];
      promise.in.erase(id);
      promise.out.erase(id);
    }
  trace("client ", what);
  ask(0, std::move(bytes), timeout, options_.duplicates && operating_.chance(1, 4), std::move(change), [](const std::string&) {});
}

// -- switches ---------------------------------------------------------------------------

void world::change_switches() {
  if (!disturbed_)
    return;
  after(operating_.between(options_.switches_every / 2, options_.switches_every * 3 / 2), [this] { change_switches(); });
  if (switching_)
    return;
  const auto off = operating_.chance(1, 2);
  const auto checker = operating_.pick(checkers);
  const auto node = processes_[static_cast<std::size_t>(operating_.between(1, options_.nodes))]->node;
  std::string what = checker;
  auto bytes = request(
    [&](schema::ClientRequest::Builder b) {
      switch (operating_.below(3)) {
        case 0:
          off ? b.initDeactivateChecker().setChecker(checker) : b.initActivateChecker().setChecker(checker);
          break;
        case 1:
          off ? void(b.initSuspendBalance()) : void(b.initResumeBalance());
          what = "balance_checker";
          break;
        default:
          off ? b.initSuspendNode().setNode(node) : b.initResumeNode().setNode(node);
          what = "node " + std::to_string(node);
          break;
      }
    },
    2 * s);
  trace("client switches ", off ? "off " : "on ", what);
  switching_ = true;
  ask(0, std::move(bytes), 2 * s, false, {}, [this, what, off, node](const std::string& reply) {
    switching_ = false;
    const auto why = switched(reply);
    if (!why) {
      doubtful_switches_.insert(what);
      return;
    }
    if (!why->empty())
      return trace("client: ", what, ": ", *why);
    ++sums_.switched;
    const bool is = what.starts_with("node ") ? model_.disk.suspended_nodes.contains(node) : model_.disk.inactive_checkers.contains(what);
    if (disturbed_ && is != off && !doubtful_switches_.contains(what))
      fail(verdict::safety, "it was answered that " + what + " is switched " + (off ? "off" : "on") + ", but on the disk it is not");
  });
}

std::string world::switches_unsettled() {
  const auto& disk = model_.disk;
  if (disk.inactive_checkers.empty() && disk.suspended_nodes.empty() && !switching_)
    return {};
  if (switching_)
    return "something is being switched on";
  const auto checker = disk.inactive_checkers.empty() ? std::string{} : *disk.inactive_checkers.begin();
  const auto node = disk.suspended_nodes.empty() ? 0 : *disk.suspended_nodes.begin();
  trace("client switches on ", checker.empty() ? "node " + std::to_string(node) : checker);
  switching_ = true;
  ask(0, request(
           [&](schema::ClientRequest::Builder b) {
             checker.empty() ? b.initResumeNode().setNode(node) : b.initActivateChecker().setChecker(checker);
           },
           10 * s),
      10 * s, false, {}, [this](const std::string&) { switching_ = false; });
  return "something is being switched on";
}

// -- records that nobody can read -------------------------------------------------------

/// Before a start: a record that some other program wrote, in front of all others or among them; or one of a collection is no longer what
/// it was, which takes that collection and nothing else.
void world::spoil_disk() {
  if (!operating_.chance(1, 2))
    return;
  const auto disk = make_memory_journal(disk_);
  const auto now = disk->recover();
  if (!now || now->last_seq == 0)
    return;
  journal_row row;
  row.seq = now->last_seq + 1;
  row.payload = "nobody can read this";
  const std::vector<record_kind> kinds{record_kind::node, record_kind::collection, record_kind::target_head,
                                       record_kind::target_segments, record_kind::resource_group};
  row.kind = operating_.pick(kinds);
  row.key = row.kind == record_kind::node || row.kind == record_kind::resource_group ? "!" : "0";
  std::vector<std::int64_t> there;
  for (const auto& [id, c] : model_.disk.collections)
    there.push_back(id);
  if (!there.empty() && operating_.chance(1, 3)) {
    const auto id = operating_.pick(there);
    const std::vector<record_kind> parts{record_kind::collection, record_kind::target_head, record_kind::target_segments};
    row.kind = operating_.pick(parts);
    row.key = std::to_string(id);
    if (row.kind == record_kind::target_segments) {
      const auto chunk = std::find_if(now->entries.begin(), now->entries.end(), [&](const journal_entry& e) {
        if (e.kind != record_kind::target_segments || !e.key.starts_with(row.key + "/"))
          return false;
        // One of rows that no target has any more is not missed.
        const auto& head = model_.disk.heads.at(id);
        const auto rows = parse<schema::Chunk>(e.payload);
        for (auto t : (*rows)->getTargetSegments().getSegments())
          if (const auto x = read(t); x.in(head.current) || x.in(head.next))
            return true;
        return false;
      });
      if (chunk == now->entries.end())
        return;
      row.key = chunk->key;
    }
    model_.disk.damaged(id);
    for (const auto& [name, known] : model_.ids)
      if (known == id)
        model_.lost(name);
  }
  trace("disk: ", muster::to_string(row.kind), " ", row.key, " can no longer be read");
  if (disk->append({row}).outcome != append_outcome::durable)
    fail(verdict::crash, "the simulated journal refuses a bad record");
  ++sums_.bad_records;
}

/// The first time that what metadata recovered is seen: everything that was durable, whatever record could not be read.
void world::check_recovery(const situation& now) {
  if (recovery_checked_ || !now.groups().contains(std::string{default_group}))
    return;
  recovery_checked_ = true;
  for (const auto& [id, row] : at_start_.collections) {
    const auto* c = now.collection(id);
    if (model_.disk.collections.contains(id) && (c == nullptr || !c->desired))
      fail(verdict::safety, "collection " + std::to_string(id) + " is on the disk, but the coordinator that started does not know it");
  }
  for (const auto& name : at_start_.groups)
    if (model_.disk.groups.contains(name) && !now.groups().contains(name))
      fail(verdict::safety, "resource group " + name + " is on the disk, but the coordinator that started does not know it");
  for (const auto& checker : at_start_.inactive_checkers)
    if (model_.disk.inactive_checkers.contains(checker) && !now.switches().inactive_checkers.contains(checker))
      fail(verdict::safety, checker + " is switched off on the disk, but the coordinator that started does not know it");
  for (auto node : at_start_.suspended_nodes)
    if (model_.disk.suspended_nodes.contains(node) && !now.switches().suspended_nodes.contains(node))
      fail(verdict::safety, "node " + std::to_string(node) + " is suspended on the disk, but the coordinator that started does not know it");
}

} // namespace muster::sim
