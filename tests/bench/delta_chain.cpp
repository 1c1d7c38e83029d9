// The cores in a row, as the actors call them.
#include "tests/bench/delta_chain.hpp"

#include "tests/unit/situation_builder.hpp"

#include <stdexcept>

namespace muster::bench {

namespace {

/// Segment ids are given out collection by collection.
std::int64_t segment_of(std::int64_t collection, std::int64_t i) {
  return collection * 1'000 + i;
}

/// Every node gets as many as the others, over all collections.
std::int64_t node_of(std::int64_t collection, std::int64_t i, std::int64_t segments, std::int64_t nodes) {
  return 1 + ((collection - 1) * segments + i) % nodes;
}

} // namespace

delta_chain::delta_chain(std::int64_t nodes, std::int64_t collections, std::int64_t segments)
  : nodes_(nodes), collections_(collections), segments_(segments) {
  merged_.remember_changes();
  std::vector<std::int64_t> members;
  for (std::int64_t n = 1; n <= nodes; ++n)
    members.push_back(n);
  world w;
  w.usable(members);
  for (std::int64_t c = 1; c <= collections; ++c) {
    w.loaded(c, {members});
    for (std::int64_t i = 0; i < segments; ++i)
      w.segment(c, segment_of(c, i));
  }
  merged_.apply(w.publication_of_all());
  for (std::int64_t n = 1; n <= nodes; ++n) {
    auto row = w.nodes.at(n);
    row.known = false;
    distribution_.set_node(row);
    distribution_.report(n, 1, build<schema::Report>([&](schema::Report::Builder b) {
                           b.setSeq(seq_);
                           b.setFull(true);
                           b.setComplete(true);
                           std::vector<std::pair<std::int64_t, std::int64_t>> copies;
                           std::vector<std::int64_t> led;
                           for (std::int64_t c = 1; c <= collections; ++c) {
                             if (1 + c % nodes == n)
                               led.push_back(c);
                             for (std::int64_t i = 0; i < segments; ++i)
                               if (node_of(c, i, segments, nodes) == n)
                                 copies.emplace_back(c, segment_of(c, i));
                           }
                           auto list = b.initCopies(static_cast<unsigned>(copies.size()));
                           for (unsigned k = 0; k < list.size(); ++k) {
                             list[k].setCollection(copies[k].first);
                             list[k].setSegment(copies[k].second);
                             list[k].setVersion(1);
                             list[k].setRows(100);
                             list[k].setBytes(800);
                           }
                           auto shards = b.initDelegators(static_cast<unsigned>(led.size()));
                           for (unsigned k = 0; k < shards.size(); ++k) {
                             shards[k].setChannel("a");
                             shards[k].setCollection(led[k]);
                             shards[k].setReplica(101);
                             shards[k].setVersion(1);
                             shards[k].setServedVersion(5);
                             shards[k].setServiceable(true);
                             shards[k].setWholeView(true);
                             auto routes = shards[k].initView(static_cast<unsigned>(segments));
                             for (std::int64_t i = 0; i < segments; ++i) {
                               routes[static_cast<unsigned>(i)].setSegment(segment_of(led[k], i));
                               routes[static_cast<unsigned>(i)].setWorker(node_of(led[k], i, segments, nodes));
                             }
                           }
                         }).read());
  }
  hear(distribution_.take_changes().take(++number_, 1, 0));
  if (segment_.open() != 0 || leader_.open() != 0 || channel_.open() != 0)
    throw std::runtime_error("the cluster that was to be at rest is not");
}

void delta_chain::change() {
  const auto c = 1 + changed_ % collections_;
  const auto i = changed_ / collections_ % segments_;
  const auto report = build<schema::Report>([&](schema::Report::Builder b) {
    b.setSeq(++seq_);
    auto copy = b.initCopies(1)[0];
    copy.setCollection(c);
    copy.setSegment(segment_of(c, i));
    copy.setVersion(2 + changed_);
    copy.setRows(100);
    copy.setBytes(800);
  });
  ++changed_;
  distribution_.report(node_of(c, i, segments_, nodes_), 1, report.read());
  hear(distribution_.take_changes().take(++number_, 1, 0));
}

void delta_chain::hear(publication p) {
  const auto& touched = merged_.apply(p);
  change_set out;
  out.merge_nodes(p);
  out.touch(touched);
  merged_.take_views(out);
  check(reader_.apply(out.take(number_, 1, 0)));
}

void delta_chain::check(const touched_map& touched) {
  if (!segment_.check(reader_, touched).empty() || !leader_.check(reader_, touched).empty()
      || !index_.check(reader_, touched).empty() || !channel_.check(reader_, touched).empty()
      || !balance_.check(reader_, touched).empty())
    throw std::runtime_error("a change that is none to them made the checkers propose something");
  promotion_.check(reader_, touched);
  progress_.check(reader_, touched, 0);
}

} // namespace muster::bench
