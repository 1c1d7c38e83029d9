// Proposals to messages and back.
#include "actors/core/proposal.hpp"

namespace muster {

proposal read(schema::Proposal::Reader r) {
  proposal p;
  p.kind = r.getKind();
  p.priority = r.getPriority();
  p.collection = r.getCollection();
  p.replica = r.getReplica();
  p.channel = std::string{view(r.getChannel())};
  p.segment = r.getSegment();
  p.node = r.getNode();
  p.source = r.getSource();
  p.why = static_cast<reason>(r.getReason());
  p.target_version = r.getTargetVersion();
  p.version = r.getVersion();
  for (auto a : r.getAssignments())
    p.assignments.emplace_back(a.getSegment(), a.getWorker());
  for (auto s : r.getRemoved())
    p.removed.push_back(s);
  p.indexes = r.getIndexes();
  p.partition_stats = read(r.getPartitionStats());
  p.load_priority = r.getLoadPriority();
  if (r.hasChoice())
    p.choice = read(r.getChoice());
  return p;
}

balance_choice read(schema::Choice::Reader r) {
  return {r.getSourceScore(), r.getScore(), r.getRunnerUp(), r.getRunnerUpScore(), r.getGain()};
}

void write(schema::Choice::Builder b, const balance_choice& c) {
  b.setSourceScore(c.source_score);
  b.setScore(c.score);
  b.setRunnerUp(c.runner_up);
  b.setRunnerUpScore(c.runner_up_score);
  b.setGain(c.gain);
}

void write(schema::Proposal::Builder b, const proposal& p) {
  b.setKind(p.kind);
  b.setPriority(p.priority);
  b.setCollection(p.collection);
  b.setReplica(p.replica);
  b.setChannel(p.channel);
  b.setSegment(p.segment);
  b.setNode(p.node);
  b.setSource(p.source);
  b.setReason(static_cast<std::uint16_t>(p.why));
  b.setTargetVersion(p.target_version);
  b.setVersion(p.version);
  auto assignments = b.initAssignments(static_cast<unsigned>(p.assignments.size()));
  for (unsigned i = 0; i < p.assignments.size(); ++i) {
    assignments[i].setSegment(p.assignments[i].first);
    assignments[i].setWorker(p.assignments[i].second);
  }
  auto removed = b.initRemoved(static_cast<unsigned>(p.removed.size()));
  for (unsigned i = 0; i < p.removed.size(); ++i)
    removed.set(i, p.removed[i]);
  b.setIndexes(p.indexes);
  if (!p.partition_stats.empty())
    write(b.initPartitionStats(static_cast<unsigned>(p.partition_stats.size())), p.partition_stats);
  b.setLoadPriority(p.load_priority);
  if (p.choice != balance_choice{})
    write(b.initChoice(), p.choice);
}

} // namespace muster
