// Holdings of all collections added up into columns, then told as bytes.
#include "actors/core/placement_map.hpp"

#include "actors/core/names.hpp"
#include "messages/limits.hpp"
#include "messages/status.hpp"

#include <kj/encoding.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace muster {

namespace {

/// Steps between the smallest cell and the largest.
constexpr double levels = 253;
/// The colours span this factor at least: what differs by little shall not look as if it differed by much.
constexpr double least_span = 10;
/// The byte of a cell whose collections have the node in replicas of different numbers, of a number beyond, or in none though it holds
/// something.
constexpr std::uint8_t various = 255;

enum class map_measure { rows, memory, replica };

std::optional<map_measure> measure_of(std::string_view text) {
  if (text.empty() || text == "rows")
    return map_measure::rows;
  if (text == "memory")
    return map_measure::memory;
  if (text == "replica")
    return map_measure::replica;
  return std::nullopt;
}

/// Which replica of its collection a node is in: 1 for the first; 0: none.
std::uint32_t replica_number(const collection_view& view, std::int64_t node) {
  if (view.desired)
    for (std::size_t i = 0; i < view.desired->replicas.size(); ++i)
      if (view.desired->replicas[i].contains(node))
        return static_cast<std::uint32_t>(i + 1);
  return 0;
}

/// The collections behind an id; there is none behind the highest.
collection_map::const_iterator behind(const collection_map& all, std::int64_t id) {
  return id == std::numeric_limits<std::int64_t>::max() ? all.end() : all.lower_bound(id + 1);
}

std::string_view name_of(const collection_view& view) {
  return view.desired ? std::string_view{view.desired->name} : std::string_view{};
}

capnp::Text::Reader as_text(std::string_view text) {
  return {text.data(), text.size()};
}

/// The collections of a map, and how they are put together.
struct extent {
  collection_map::const_iterator begin;
  std::size_t count = 0;
  std::size_t in_column = 1;

  std::size_t columns() const {
    return (count + in_column - 1) / in_column;
  }
};

extent extent_of(const situation& s, schema::PlacementMapRequest::Reader request, std::size_t lines) {
  const auto& all = s.collections();
  extent out{behind(all, request.getAfter())};
  const std::size_t most = request.getCount() == 0 ? all.size() : request.getCount();
  for (auto i = out.begin; i != all.end() && out.count < most; ++i)
    ++out.count;
  auto columns = request.getColumns() == 0 ? limits::map_columns_default : std::min<std::size_t>(request.getColumns(), limits::map_columns);
  columns = std::clamp<std::size_t>(limits::map_cells / std::max<std::size_t>(lines, 1), 1, columns);
  out.in_column = std::max<std::size_t>((out.count + columns - 1) / columns, 1);
  return out;
}

void write_columns(const extent& what, schema::PlacementMapReply::Builder out) {
  auto columns = out.initColumns(static_cast<unsigned>(what.columns()));
  auto at = what.begin;
  for (unsigned c = 0; c < columns.size(); ++c) {
    const auto count = std::min(what.in_column, what.count - c * what.in_column);
    auto column = columns[c];
    column.setFirst((*at).first);
    column.setFirstName(as_text(name_of((*at).second)));
    column.setCount(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < count; ++i, ++at)
      if (i + 1 == count) {
        column.setLast((*at).first);
        column.setLastName(as_text(name_of((*at).second)));
      }
  }
}

void write_map(const situation& s, schema::PlacementMapRequest::Reader request, map_measure measure, schema::PlacementMapReply::Builder out) {
  std::vector<const node_row*> lines; // by id
  for (const auto& [id, node] : s.nodes())
    if (!node.gone())
      lines.push_back(&node);
  const auto what = extent_of(s, request, lines.size());
  const auto width = what.columns();
  // Rows and bytes are summed up; replicas are numbers that agree or do not.
  std::vector<double> sums(measure == map_measure::replica ? 0 : lines.size() * width, 0);
  std::vector<std::uint8_t> cells(lines.size() * width, 0);
  double most = 0;
  auto at = what.begin;
  for (std::size_t i = 0; i < what.count; ++i, ++at) {
    const auto& view = (*at).second;
    const auto column = i / what.in_column;
    view.each_holding([&](std::int64_t node, const node_holding& has) {
      const auto line = std::lower_bound(lines.begin(), lines.end(), node, [](const node_row* a, std::int64_t id) { return a->id < id; });
      if (line == lines.end() || (*line)->id != node)
        return;
      const auto cell = static_cast<std::size_t>(line - lines.begin()) * width + column;
      if (measure == map_measure::replica) {
        const auto number = replica_number(view, node);
        const auto byte = number == 0 || number > various ? various : static_cast<std::uint8_t>(number);
        cells[cell] = cells[cell] == 0 || cells[cell] == byte ? byte : various;
        most = std::max<double>(most, number);
        return;
      }
      cells[cell] = 1;
      sums[cell] += static_cast<double>(measure == map_measure::rows ? has.rows : has.bytes);
      most = std::max(most, sums[cell]);
    });
  }
  double least = measure == map_measure::replica ? 0 : most / least_span;
  for (auto sum : sums)
    if (sum > 0)
      least = std::min(least, sum);
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (cells[i] != 0)
      cells[i] = map_level(sums[i], least, most);
  auto list = out.initNodes(static_cast<unsigned>(lines.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setNode(lines[i]->id);
    list[i].setName(lines[i]->name);
    list[i].setState(liveness_name(lines[i]->liveness));
    const auto from = cells.begin() + static_cast<std::ptrdiff_t>(i * width);
    list[i].setCells(base64({from, from + static_cast<std::ptrdiff_t>(width)}));
  }
  write_columns(what, out);
  out.setLeast(least);
  out.setMost(most);
}

void write_holdings(const situation& s, schema::PlacementMapRequest::Reader request, schema::PlacementMapReply::Builder out) {
  const auto node = request.getNode();
  const std::size_t collections = request.getCount() == 0 ? s.collections().size() : request.getCount();
  struct held {
    std::int64_t collection;
    const collection_view* view;
    node_holding has;
  };
  std::vector<held> all;
  std::size_t looked_at = 0;
  for (auto i = behind(s.collections(), request.getAfter()); i != s.collections().end() && looked_at < collections; ++i, ++looked_at) {
    const auto has = (*i).second.on(node);
    if (!has.any())
      continue;
    if (all.size() == limits::map_holdings) {
      out.setNext(all.back().collection);
      break;
    }
    all.push_back({(*i).first, &(*i).second, has});
  }
  auto list = out.initHoldings(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    auto b = list[i];
    const auto& one = all[i];
    b.setCollection(one.collection);
    b.setName(as_text(name_of(*one.view)));
    b.setRows(one.has.rows);
    b.setBytes(one.has.bytes);
    b.setSegments(static_cast<std::uint32_t>(one.has.segments));
    b.setChannels(static_cast<std::uint32_t>(one.has.channels));
    if (const auto number = replica_number(*one.view, node); number != 0) {
      b.setReplica(one.view->desired->replicas[number - 1].id);
      b.setReplicaNumber(number);
    }
  }
}

} // namespace

std::uint8_t map_level(double value, double least, double most) {
  if (value <= 0)
    return 1;
  if (value >= most || least <= 0)
    return 255;
  return static_cast<std::uint8_t>(2 + std::lround(levels * std::log(std::max(value / least, 1.0)) / std::log(most / least)));
}

double map_value(std::uint8_t level, double least, double most) {
  return level <= 1 ? 0 : least * std::pow(most / least, (level - 2) / levels);
}

std::string base64(const std::vector<std::uint8_t>& bytes) {
  const auto text = kj::encodeBase64(kj::arrayPtr(bytes.data(), bytes.size()));
  return {text.begin(), text.size()};
}

void write_placement_map(const situation& s, schema::PlacementMapRequest::Reader request, schema::PlacementMapReply::Builder out) {
  out.setSituation(s.number());
  const auto measure = measure_of(view(request.getMeasure()));
  if (!measure)
    return set_status(out.initStatus(), ec::parameter_invalid,
                      "there is no measure \"" + std::string{view(request.getMeasure()).substr(0, 64)} + "\"; give rows, memory or replica");
  if (request.getNode() == 0)
    return write_map(s, request, *measure, out);
  if (s.node(request.getNode()) == nullptr)
    return set_status(out.initStatus(), ec::node_not_found, "there is no node " + std::to_string(request.getNode()) + "; list-query-node names them all");
  write_holdings(s, request, out);
}

} // namespace muster
