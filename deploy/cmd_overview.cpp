// `overview` and `placement`: the whole cluster in a few lines, however large it is.
#include "actors/core/placement_map.hpp"
#include "deploy/commands.hpp"

#include <kj/encoding.h>

#include <algorithm>
#include <iostream>

namespace muster::cli {

namespace {

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

int overview(command_context& c, arguments& a) {
  a.end();
  const auto reply = c.coordinator.ask<schema::OverviewRequest>([](auto) {});
  if (c.json) {
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
    return done;
  }
  std::string nodes;
  for (auto n : reply->getNodes())
    nodes += (nodes.empty() ? "" : ", ") + std::to_string(n.getCount()) + " " + text(n.getState());
  print(c, "nodes        " + (nodes.empty() ? "none" : nodes) + "\n"
             + "collections  " + with_commas(reply->getCollections()) + ", " + with_commas(reply->getLoading()) + " loading, "
             + with_commas(reply->getNotServed()) + " cannot be searched\n"
             + "held         " + counted(reply->getSegments(), "segment") + " of "
             + counted(reply->getRows(), "row") + ", " + counted(reply->getChannels(), "channel") + " led\n"
             + "tasks        " + with_commas(reply->getTasks()) + " in flight\n");
  table t{{"COLLECTION", "STATUS", "PERCENT", "SEARCHED", "WAITS FOR"}};
  for (auto l : reply->getUnfinished())
    t.row({text(l.getName()), text(l.getStatus()), std::to_string(l.getPercentage()), l.getQueryable() ? "yes" : "no", text(l.getWaitsFor())});
  if (!t.empty())
    print(c, "\n" + t.str());
  return done;
}

/// A letter for a cell: darker is more.
char shade(std::uint8_t level, bool replica) {
  if (level == 0)
    return ' ';
  if (replica)
    return level <= 9 ? static_cast<char>('0' + level) : '*';
  constexpr std::string_view darker = ".:-=+*#%@";
  return darker[std::min<std::size_t>(level * darker.size() / 256, darker.size() - 1)];
}

void show_map(const command_context& c, schema::PlacementMapReply::Reader map, const std::string& measure) {
  std::size_t longest = 4;
  for (auto n : map.getNodes())
    longest = std::max<std::size_t>(longest, n.getName().size());
  std::int64_t collections = 0;
  for (auto column : map.getColumns())
    collections += column.getCount();
  const bool replica = measure == "replica";
  std::string out = counted(collections, "collection") + " by id from left to right, " + (map.getColumns().size() > 0 ? std::to_string(map.getColumns()[0].getCount()) : "no")
                    + " in a column; " + (replica ? "n: in the n-th replica, *: in various ones" : "darker is more " + measure) + "\n";
  for (auto n : map.getNodes()) {
    auto name = text(n.getName());
    name.resize(longest, ' ');
    out += name + " |";
    for (auto level : kj::decodeBase64(n.getCells().asArray()))
      out += shade(level, replica);
    out += "|\n";
  }
  if (!replica && map.getMost() > 0)
    out += "@ is " + (measure == "memory" ? as_bytes_text(static_cast<std::int64_t>(map.getMost())) : counted(static_cast<std::int64_t>(map.getMost()), "row"))
           + " or nearly so; each step is a factor\n";
  print(c, out);
}

void show_holdings(const command_context& c, schema::PlacementMapReply::Reader reply) {
  table t{{"COLLECTION", "REPLICA", "SEGMENTS", "ROWS", "BYTES", "LEADS"}};
  for (auto h : reply.getHoldings())
    t.row({h.getName().size() > 0 ? text(h.getName()) : std::to_string(h.getCollection()) + " (released)", h.getReplica() == 0 ? "none" : std::to_string(h.getReplica()),
           with_commas(h.getSegments()), with_commas(h.getRows()), as_bytes_text(h.getBytes()), with_commas(h.getChannels())});
  print(c, t.empty() ? "the node has nothing of any collection\n" : t.str());
  if (reply.getNext() != 0)
    print(c, "and more behind collection " + std::to_string(reply.getNext()) + "\n");
}

int placement(command_context& c, arguments& a) {
  const auto measure = a.value("--measure").value_or("rows");
  const auto columns = a.number("--columns", c.width > 40 ? static_cast<std::int64_t>(c.width) - 24 : 56, 1, static_cast<std::int64_t>(limits::map_columns));
  const auto node = a.word_or("");
  a.end();
  const auto id = node.empty() ? 0 : node_id(c.coordinator, node);
  const auto reply = c.coordinator.ask<schema::PlacementMapRequest>([&](auto b) {
    b.setMeasure(measure);
    b.setColumns(static_cast<std::uint32_t>(columns));
    b.setNode(id);
  });
  if (c.json)
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
  else if (id != 0)
    show_holdings(c, reply.read());
  else
    show_map(c, reply.read(), measure);
  return done;
}

} // namespace

void add_overview_commands(std::vector<inside_command>& to) {
  to.push_back({"overview", "overview", "Show the cluster in a few lines, with the collections that are not as they should be", "overview", {noun::none}, &overview});
  to.push_back({"placement", "placement [NODE] [--measure rows|memory|replica] [--columns N]",
                "Show how much of which collections is on which node, as a map; with NODE: what that node has", "placement --measure memory", {noun::node}, &placement});
}

} // namespace muster::cli
