// Rows to chunks and back.
#include "actors/core/rows.hpp"

#include <algorithm>

namespace muster {

namespace {

template <class List>
std::vector<std::int64_t> ids(List list) {
  std::vector<std::int64_t> result;
  result.reserve(list.size());
  for (auto id : list)
    result.push_back(id);
  return result;
}

template <class Init>
void set_ids(const std::vector<std::int64_t>& values, Init&& init) {
  auto list = init(static_cast<unsigned>(values.size()));
  for (unsigned i = 0; i < values.size(); ++i)
    list.set(i, values[i]);
}

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

} // namespace

bool replica_row::contains(std::int64_t node) const {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end()
         || std::find(read_only_nodes.begin(), read_only_nodes.end(), node) != read_only_nodes.end();
}

bool replica_row::drains(std::int64_t node) const {
  return std::find(read_only_nodes.begin(), read_only_nodes.end(), node) != read_only_nodes.end();
}

std::string_view replica_row::group() const {
  return resource_group.empty() ? default_group : std::string_view{resource_group};
}

void replica_row::make_read_write(const std::vector<std::int64_t>& ids) {
  remove(ids);
  nodes.insert(nodes.end(), ids.begin(), ids.end());
  std::sort(nodes.begin(), nodes.end());
}

void replica_row::make_read_only(const std::vector<std::int64_t>& ids) {
  remove(ids);
  read_only_nodes.insert(read_only_nodes.end(), ids.begin(), ids.end());
  std::sort(read_only_nodes.begin(), read_only_nodes.end());
}

void replica_row::remove(const std::vector<std::int64_t>& ids) {
  for (auto* list : {&nodes, &read_only_nodes})
    std::erase_if(*list, [&](std::int64_t id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); });
}

bool collection_row::wants_partition(std::int64_t partition) const {
  return std::find(partitions.begin(), partitions.end(), partition) != partitions.end();
}

bool collection_row::partition_loaded(std::int64_t partition) const {
  return status == schema::LoadStatus::LOADED && wants_partition(partition)
         && std::find(loading_partitions.begin(), loading_partitions.end(), partition) == loading_partitions.end();
}

const replica_row* collection_row::replica(std::int64_t replica_id) const {
  for (const auto& r : replicas)
    if (r.id == replica_id)
      return &r;
  return nullptr;
}

const replica_row* collection_row::replica_of(std::int64_t node) const {
  for (const auto& r : replicas)
    if (r.contains(node))
      return &r;
  return nullptr;
}

bool collection_row::draining() const {
  return std::any_of(replicas.begin(), replicas.end(), [](const replica_row& r) { return !r.read_only_nodes.empty(); });
}

target_row read(schema::TargetSegment::Reader r) {
  return {r.getId(),    r.getPartition(), r.getFromVersion(), r.getToVersion(), r.getRows(),
          r.getBytes(), r.getChannel(),   r.getIndexes(),     r.getStats()};
}

void write(schema::TargetSegment::Builder b, const target_row& row) {
  b.setId(row.segment);
  b.setPartition(row.partition);
  b.setFromVersion(row.from);
  b.setToVersion(row.to);
  b.setRows(row.rows);
  b.setBytes(row.bytes);
  b.setChannel(row.channel);
  b.setIndexes(row.indexes);
  b.setStats(row.stats);
}

std::vector<partition_version> read(capnp::List<schema::PartitionVersion>::Reader list) {
  std::vector<partition_version> rows;
  for (auto r : list)
    rows.push_back({r.getPartition(), r.getVersion()});
  return rows;
}

void write(capnp::List<schema::PartitionVersion>::Builder list, const std::vector<partition_version>& rows) {
  for (unsigned i = 0; i < rows.size(); ++i) {
    list[i].setPartition(rows[i].partition);
    list[i].setVersion(rows[i].version);
  }
}

copy_row read(schema::Copy::Reader r) {
  return {r.getSegment(), r.getNode(),  r.getVersion(), r.getRows(),
          r.getBytes(),   r.getIndex(), r.getIndexes(), r.getStats()};
}

view_row read(schema::View::Reader r) {
  return {r.getSegment(), r.getLeader(), r.getWorker()};
}

growing_row read(schema::GrowingSegment::Reader r) {
  return {r.getId(), r.getStartPosition(), r.getRows()};
}

delegator_row read(schema::Delegator::Reader r) {
  delegator_row row{text(r.getChannel()), r.getNode(),        r.getReplica(),
                    r.getVersion(),       r.getServedVersion(), r.getServiceable(),
                    read(r.getPartitionStats()), {}};
  for (auto g : r.getGrowing())
    row.growing.push_back(read(g));
  return row;
}

channel_target read(schema::ChannelTarget::Reader r) {
  return {r.getSeekPosition(), ids(r.getGrowing()), ids(r.getDropped())};
}

void write(schema::ChannelTarget::Builder b, const channel_target& row) {
  b.setSeekPosition(row.seek);
  set_ids(row.growing, [&](unsigned n) { return b.initGrowing(n); });
  set_ids(row.dropped, [&](unsigned n) { return b.initDropped(n); });
}

group_config read(schema::ResourceGroupConfig::Reader r) {
  group_config config;
  config.requests = r.getRequests();
  config.limits = r.getLimits();
  for (auto name : r.getTransferFrom())
    config.transfer_from.push_back(text(name));
  for (auto name : r.getTransferTo())
    config.transfer_to.push_back(text(name));
  for (auto label : r.getLabels())
    config.labels.emplace_back(text(label.getKey()), text(label.getValue()));
  return config;
}

void write(schema::ResourceGroupConfig::Builder b, const group_config& config) {
  b.setRequests(config.requests);
  b.setLimits(config.limits);
  auto from = b.initTransferFrom(static_cast<unsigned>(config.transfer_from.size()));
  for (unsigned i = 0; i < from.size(); ++i)
    from.set(i, config.transfer_from[i]);
  auto to = b.initTransferTo(static_cast<unsigned>(config.transfer_to.size()));
  for (unsigned i = 0; i < to.size(); ++i)
    to.set(i, config.transfer_to[i]);
  auto labels = b.initLabels(static_cast<unsigned>(config.labels.size()));
  for (unsigned i = 0; i < labels.size(); ++i) {
    labels[i].setKey(config.labels[i].first);
    labels[i].setValue(config.labels[i].second);
  }
}

group_row read(schema::ResourceGroupState::Reader r) {
  group_row row;
  row.id = r.getId();
  row.name = text(r.getName());
  row.nodes = ids(r.getNodes());
  row.revision = r.getRevision();
  if (r.hasConfig()) {
    row.config = read(r.getConfig());
  } else {
    row.config.requests = row.is_default() ? 0 : r.getCapacity();
    row.config.limits = r.getCapacity();
  }
  return row;
}

void write(schema::ResourceGroupState::Builder b, const group_row& row) {
  b.setId(row.id);
  b.setName(row.name);
  write(b.initConfig(), row.config);
  set_ids(row.nodes, [&](unsigned n) { return b.initNodes(n); });
  b.setCapacity(row.is_default() ? default_group_limits : row.config.requests);
  b.setRevision(row.revision);
}

replica_row read(schema::ReplicaState::Reader r) {
  replica_row row{r.getId(), text(r.getResourceGroup()), ids(r.getNodes()), ids(r.getReadOnlyNodes()), r.getLoadPriority(), {}};
  for (auto c : r.getChannelNodes())
    row.channel_nodes[text(c.getChannel())] = ids(c.getNodes());
  return row;
}

void write(schema::ReplicaState::Builder b, const replica_row& row) {
  b.setId(row.id);
  b.setResourceGroup(row.resource_group);
  set_ids(row.nodes, [&](unsigned n) { return b.initNodes(n); });
  set_ids(row.read_only_nodes, [&](unsigned n) { return b.initReadOnlyNodes(n); });
  b.setLoadPriority(row.load_priority);
  if (row.channel_nodes.empty())
    return;
  auto channels = b.initChannelNodes(static_cast<unsigned>(row.channel_nodes.size()));
  unsigned i = 0;
  for (const auto& [channel, nodes] : row.channel_nodes) {
    channels[i].setChannel(channel);
    set_ids(nodes, [&](unsigned n) { return channels[i].initNodes(n); });
    ++i;
  }
}

collection_row read(schema::CollectionState::Reader r) {
  collection_row row;
  row.id = r.getId();
  row.database = text(r.getDatabase());
  row.name = text(r.getName());
  row.status = r.getStatus();
  row.replica_number = r.getReplicaNumber();
  row.partitions = ids(r.getPartitions());
  for (auto replica : r.getReplicas())
    row.replicas.push_back(read(replica));
  row.metric = text(r.getMetric());
  row.dimension = r.getDimension();
  row.whole_collection = r.getWholeCollection();
  row.revision = r.getRevision();
  row.loading_partitions = ids(r.getLoadingPartitions());
  for (auto f : r.getLoadFields())
    row.load_fields.push_back(text(f));
  row.user_specified_replicas = r.getUserSpecifiedReplicas();
  row.recover_times = r.getRecoverTimes();
  row.trace_id = r.getTraceId();
  return row;
}

void write(schema::CollectionState::Builder b, const collection_row& row) {
  b.setId(row.id);
  b.setDatabase(row.database);
  b.setName(row.name);
  b.setStatus(row.status);
  b.setReplicaNumber(row.replica_number);
  set_ids(row.partitions, [&](unsigned n) { return b.initPartitions(n); });
  auto replicas = b.initReplicas(static_cast<unsigned>(row.replicas.size()));
  for (unsigned i = 0; i < row.replicas.size(); ++i)
    write(replicas[i], row.replicas[i]);
  b.setMetric(row.metric);
  b.setDimension(row.dimension);
  b.setWholeCollection(row.whole_collection);
  b.setRevision(row.revision);
  set_ids(row.loading_partitions, [&](unsigned n) { return b.initLoadingPartitions(n); });
  auto fields = b.initLoadFields(static_cast<unsigned>(row.load_fields.size()));
  for (unsigned i = 0; i < row.load_fields.size(); ++i)
    fields.set(i, row.load_fields[i]);
  b.setUserSpecifiedReplicas(row.user_specified_replicas);
  b.setRecoverTimes(row.recover_times);
  b.setTraceId(row.trace_id);
}

head_row read(schema::TargetHead::Reader r) {
  head_row row;
  row.collection = r.getCollection();
  row.current = r.getCurrent();
  row.next = r.getNext();
  for (auto c : r.getChannels())
    row.channels.push_back(text(c));
  row.partitions = ids(r.getPartitions());
  row.folder = text(r.getFolder());
  row.current_segments = r.getCurrentSegments();
  row.current_rows = r.getCurrentRows();
  row.next_segments = r.getNextSegments();
  row.next_rows = r.getNextRows();
  row.partition_stats = read(r.getPartitionStats());
  for (auto c : r.getCurrentChannels())
    row.current_channels.push_back(read(c));
  for (auto c : r.getNextChannels())
    row.next_channels.push_back(read(c));
  row.indexes = r.getIndexes();
  row.stats = r.getStats();
  row.indexes_known = r.getIndexesKnown();
  return row;
}

void write(schema::TargetHead::Builder b, const head_row& row) {
  b.setCollection(row.collection);
  b.setCurrent(row.current);
  b.setNext(row.next);
  auto channels = b.initChannels(static_cast<unsigned>(row.channels.size()));
  for (unsigned i = 0; i < row.channels.size(); ++i)
    channels.set(i, row.channels[i]);
  set_ids(row.partitions, [&](unsigned n) { return b.initPartitions(n); });
  b.setFolder(row.folder);
  b.setCurrentSegments(row.current_segments);
  b.setCurrentRows(row.current_rows);
  b.setNextSegments(row.next_segments);
  b.setNextRows(row.next_rows);
  if (!row.partition_stats.empty())
    write(b.initPartitionStats(static_cast<unsigned>(row.partition_stats.size())), row.partition_stats);
  if (!row.current_channels.empty()) {
    auto list = b.initCurrentChannels(static_cast<unsigned>(row.current_channels.size()));
    for (unsigned i = 0; i < row.current_channels.size(); ++i)
      write(list[i], row.current_channels[i]);
  }
  if (!row.next_channels.empty()) {
    auto list = b.initNextChannels(static_cast<unsigned>(row.next_channels.size()));
    for (unsigned i = 0; i < row.next_channels.size(); ++i)
      write(list[i], row.next_channels[i]);
  }
  b.setIndexes(row.indexes);
  b.setStats(row.stats);
  b.setIndexesKnown(row.indexes_known);
}

node_row read(schema::NodeState::Reader r) {
  node_row row;
  row.id = r.getId();
  row.name = text(r.getName());
  row.address = text(r.getAddress());
  row.liveness = r.getLiveness();
  row.incarnation = r.getIncarnation();
  row.report_seq = r.getReportSeq();
  row.known = r.getKnown();
  row.stopping = r.getStopping();
  row.memory_mb = r.getMemoryMb();
  row.cpus = r.getCpus();
  for (auto label : r.getLabels())
    row.labels.emplace_back(text(label.getKey()), text(label.getValue()));
  return row;
}

void write(schema::NodeState::Builder b, const node_row& row) {
  b.setId(row.id);
  b.setName(row.name);
  b.setAddress(row.address);
  b.setLiveness(row.liveness);
  b.setIncarnation(row.incarnation);
  b.setReportSeq(row.report_seq);
  b.setKnown(row.known);
  b.setStopping(row.stopping);
  b.setMemoryMb(row.memory_mb);
  b.setCpus(row.cpus);
  auto labels = b.initLabels(static_cast<unsigned>(row.labels.size()));
  for (unsigned i = 0; i < row.labels.size(); ++i) {
    labels[i].setKey(row.labels[i].first);
    labels[i].setValue(row.labels[i].second);
  }
}

task_row read(schema::Task::Reader r) {
  task_row row;
  row.id = r.getId();
  row.kind = r.getKind();
  row.priority = r.getPriority();
  row.proposer = r.getProposer();
  row.replica = r.getReplica();
  row.channel = text(r.getChannel());
  row.segment = r.getSegment();
  row.node = r.getNode();
  row.source = r.getSource();
  row.reason = r.getReason();
  row.running = r.getRunning();
  row.step = r.getStep();
  row.rows = r.getRows();
  row.done = r.getDone();
  row.total = r.getTotal();
  row.admitted_at = r.getAdmittedAt();
  return row;
}

msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<target_row>& rows) {
  return build<schema::Chunk>(
    [&](schema::Chunk::Builder b) {
      auto t = b.initTargetSegments();
      t.setCollection(collection);
      auto list = t.initSegments(static_cast<unsigned>(rows.size()));
      for (unsigned i = 0; i < rows.size(); ++i)
        write(list[i], rows[i]);
    },
    rows.size() * 9 + 16);
}

namespace {

template <class List, class Row>
void read_list(List list, std::vector<Row>& rows) {
  rows.reserve(list.size());
  for (auto r : list)
    rows.push_back(read(r));
}

} // namespace

void read_rows(const msg<schema::Chunk>& chunk, std::vector<target_row>& rows) {
  read_list(chunk->getTargetSegments().getSegments(), rows);
}

void read_rows(const msg<schema::Chunk>& chunk, std::vector<copy_row>& rows) {
  read_list(chunk->getCopies().getCopies(), rows);
}

void read_rows(const msg<schema::Chunk>& chunk, std::vector<view_row>& rows) {
  read_list(chunk->getViews().getViews(), rows);
}

msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<copy_row>& rows) {
  return build<schema::Chunk>(
    [&](schema::Chunk::Builder b) {
      auto t = b.initCopies();
      t.setCollection(collection);
      auto list = t.initCopies(static_cast<unsigned>(rows.size()));
      for (unsigned i = 0; i < rows.size(); ++i) {
        list[i].setSegment(rows[i].segment);
        list[i].setNode(rows[i].node);
        list[i].setVersion(rows[i].version);
        list[i].setRows(rows[i].rows);
        list[i].setBytes(rows[i].bytes);
        list[i].setIndex(rows[i].index);
        list[i].setIndexes(rows[i].indexes);
        list[i].setStats(rows[i].stats);
      }
    },
    rows.size() * 8 + 16);
}

msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<view_row>& rows) {
  return build<schema::Chunk>(
    [&](schema::Chunk::Builder b) {
      auto t = b.initViews();
      t.setCollection(collection);
      auto list = t.initViews(static_cast<unsigned>(rows.size()));
      for (unsigned i = 0; i < rows.size(); ++i) {
        list[i].setSegment(rows[i].segment);
        list[i].setLeader(rows[i].leader);
        list[i].setWorker(rows[i].worker);
      }
    },
    rows.size() * 3 + 16);
}

msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<delegator_row>& rows) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) {
    auto t = b.initDelegators();
    t.setCollection(collection);
    auto list = t.initDelegators(static_cast<unsigned>(rows.size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
      list[i].setChannel(rows[i].channel);
      list[i].setNode(rows[i].node);
      list[i].setReplica(rows[i].replica);
      list[i].setVersion(rows[i].version);
      list[i].setServedVersion(rows[i].served);
      list[i].setServiceable(rows[i].serviceable);
      if (const auto& stats = rows[i].partition_stats; !stats.empty())
        write(list[i].initPartitionStats(static_cast<unsigned>(stats.size())), stats);
      if (!rows[i].growing.empty()) {
        auto growing = list[i].initGrowing(static_cast<unsigned>(rows[i].growing.size()));
        for (unsigned k = 0; k < rows[i].growing.size(); ++k) {
          growing[k].setId(rows[i].growing[k].segment);
          growing[k].setStartPosition(rows[i].growing[k].start);
          growing[k].setRows(rows[i].growing[k].rows);
        }
      }
    }
  });
}

msg<schema::Chunk> chunk_of(const collection_row& row) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) { write(b.initCollection(), row); });
}

msg<schema::Chunk> chunk_of(const head_row& row) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) { write(b.initTargetHead(), row); });
}

msg<schema::Chunk> chunk_of(const group_row& row) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) { write(b.initResourceGroup(), row); }, row.nodes.size() + 64);
}

msg<schema::Chunk> chunk_of(const switches_row& row) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) {
    auto s = b.initSwitches();
    auto checkers = s.initInactiveCheckers(static_cast<unsigned>(row.inactive_checkers.size()));
    unsigned i = 0;
    for (const auto& name : row.inactive_checkers)
      checkers.set(i++, name);
    auto settings = s.initSettings(static_cast<unsigned>(row.settings.size()));
    i = 0;
    for (const auto& [key, value] : row.settings) {
      settings[i].setKey(key);
      settings[i++].setValue(value);
    }
    auto nodes = s.initSuspendedNodes(static_cast<unsigned>(row.suspended_nodes.size()));
    i = 0;
    for (auto id : row.suspended_nodes)
      nodes.set(i++, id);
  });
}

switches_row read(schema::SwitchState::Reader r) {
  switches_row row;
  for (auto name : r.getInactiveCheckers())
    row.inactive_checkers.insert(text(name));
  for (auto s : r.getSettings())
    row.settings.emplace(text(s.getKey()), text(s.getValue()));
  for (auto id : r.getSuspendedNodes())
    row.suspended_nodes.insert(id);
  return row;
}

msg<schema::Chunk> chunk_of(const std::vector<node_row>& rows) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) {
    auto list = b.initNodes().initNodes(static_cast<unsigned>(rows.size()));
    for (unsigned i = 0; i < rows.size(); ++i)
      write(list[i], rows[i]);
  });
}

msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<task_row>& rows) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) {
    auto t = b.initTasks();
    t.setCollection(collection);
    auto list = t.initTasks(static_cast<unsigned>(rows.size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
      const auto& row = rows[i];
      list[i].setId(row.id);
      list[i].setKind(row.kind);
      list[i].setPriority(row.priority);
      list[i].setProposer(row.proposer);
      list[i].setReplica(row.replica);
      list[i].setChannel(row.channel);
      list[i].setSegment(row.segment);
      list[i].setNode(row.node);
      list[i].setSource(row.source);
      list[i].setReason(row.reason);
      list[i].setRunning(row.running);
      list[i].setStep(row.step);
      list[i].setRows(row.rows);
      list[i].setDone(row.done);
      list[i].setTotal(row.total);
      list[i].setAdmittedAt(row.admitted_at);
    }
  });
}

} // namespace muster
