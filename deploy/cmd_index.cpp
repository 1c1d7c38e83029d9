// `muster create-index`, `drop-index` and `compact`: work on segment files in the store, made known with one request.
#include "actors/catalogue_answers.hpp"
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/progress.hpp"
#include "deploy/session.hpp"
#include "persistence/segment_file.hpp"

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <utility>
#include <vector>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string store = "store";
  std::string name;
  std::size_t rows_from = limits::hnsw_rows;
  std::size_t segment_rows = 100'000;
  bool json = false;
};

struct content {
  std::int64_t id = 0;
  std::vector<catalogue_segment> segments; // by id
};

content segments_of(session& s, const std::string& collection) {
  content out;
  std::int64_t after = 0;
  do {
    const auto page = s.ask<schema::ListSegmentsRequest>([&](auto b) {
      b.setCollection(collection);
      b.setAfter(after);
    });
    out.id = page->getCollectionId();
    for (auto from : page->getSegments()) {
      out.segments.push_back(read_segment_of(from));
    }
    after = page->getNextAfter();
  } while (after != 0);
  return out;
}

template <class List>
void fill(List to, const std::vector<catalogue_segment>& segments) {
  for (unsigned i = 0; i < segments.size(); ++i) {
    write_segment_of(segments[i], to[i]);
  }
}

void print(const options& o, const std::string& text, const char* what, std::size_t count) {
  if (o.json)
    std::cout << json_writer{}.open('{').field("collection", o.name).field(what, count).close('}').str() << '\n';
  else
    std::cout << text << '\n';
}

// -- indexes ----------------------------------------------------------------------

int create_index(const options& o) {
  interruptible();
  session s{o.coordinator};
  auto chosen = segments_of(s, o.name).segments;
  std::erase_if(chosen, [&](const catalogue_segment& segment) {
    return segment.index == index_kind::hnsw || segment.rows < static_cast<std::int64_t>(o.rows_from);
  });
  if (chosen.empty()) {
    print(o, "every segment of " + o.name + " with " + std::to_string(o.rows_from) + " rows or more has its index",
          "indexed", 0);
    return done;
  }
  const auto take_away = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      static_cast<void>(drop_index(o.store, chosen[i].file));
  };
  progress_line progress{o.json, "building indexes"};
  std::size_t made = 0;
  try {
    for (auto& segment : chosen) {
      const auto files = add_index(o.store, segment.file);
      if (!files) {
        take_away(made);
        throw command_error{files.error()};
      }
      segment.index = index_kind::hnsw;
      segment.bytes = files->bytes + files->index_bytes;
      progress(++made, chosen.size());
    }
  } catch (const interruption&) {
    take_away(made);
    throw command_error{failed, "interrupted; nothing has an index that had none before"};
  }
  const auto reply = s.call<schema::CreateIndexRequest>([&](auto b) {
    b.setCollection(o.name);
    fill(b.initSegments(static_cast<unsigned>(chosen.size())), chosen);
  });
  if (!reply) {
    if (!outcome_unknown(reply.error()))
      take_away(made);
    throw command_error{reply.error()};
  }
  print(o, "built the indexes of " + counted(static_cast<std::int64_t>(made), "segment") + " of " + o.name, "indexed",
        made);
  return done;
}

int drop_indexes(const options& o) {
  session s{o.coordinator};
  const auto all = segments_of(s, o.name);
  std::vector<catalogue_segment> named; // by the catalogue
  std::vector<std::string> files;
  for (auto segment : all.segments) {
    const auto there = describe_segment(o.store, segment.file);
    const bool has = segment.index == index_kind::hnsw;
    if (!there && has)
      throw command_error{there.error()};
    if (has || (there && there->index == index_kind::hnsw)) // a drop that was interrupted
      files.push_back(segment.file);
    if (!has)
      continue;
    segment.bytes = there->bytes;
    segment.index = index_kind::brute_force;
    named.push_back(std::move(segment));
  }
  // First nobody is to load them any more. With none at all the coordinator says so.
  if (!named.empty() || files.empty())
    s.ask<schema::DropIndexRequest>([&](auto b) {
      b.setCollection(o.name);
      fill(b.initSegments(static_cast<unsigned>(named.size())), named);
    });
  for (const auto& file : files)
    if (auto gone = drop_index(o.store, file); !gone)
      throw command_error{
        failure{gone.error().code, gone.error().text + "; no index of " + o.name
                                     + " is used any more, drop it again to delete the files that are left"}};
  print(o, "dropped the indexes of " + counted(static_cast<std::int64_t>(files.size()), "segment") + " of " + o.name,
        "dropped", files.size());
  return done;
}

// -- compaction -------------------------------------------------------------------

using bin = std::vector<catalogue_segment>;

/// Neighbours of one partition and channel that fit into one segment together.
std::vector<bin> bins_of(const std::vector<catalogue_segment>& segments, std::int64_t most) {
  std::map<std::pair<std::int64_t, std::string>, bin> open;
  std::vector<bin> out;
  const auto close = [&](bin& b) {
    if (b.size() > 1)
      out.push_back(std::move(b));
    b.clear();
  };
  for (const auto& segment : segments) {
    if (segment.rows >= most)
      continue;
    auto& b = open[{segment.partition.value, segment.channel}];
    std::int64_t rows = segment.rows;
    for (const auto& other : b)
      rows += other.rows;
    if (rows > most)
      close(b);
    b.push_back(segment);
  }
  for (auto& [place, b] : open)
    close(b);
  return out;
}

catalogue_segment merge(const options& o, const bin& from, std::int64_t collection, segment_id id,
                        std::optional<index_kind> index) {
  segment_rows rows;
  metric_kind metric = metric_kind::l2;
  std::uint32_t dimension = 0;
  bool named = false;
  for (const auto& segment : from) {
    const auto c = value_or_end(read_segment(o.store, segment.file));
    metric = c.metric;
    dimension = c.dimension;
    rows.ids.insert(rows.ids.end(), c.ids.begin(), c.ids.end());
    rows.vectors.insert(rows.vectors.end(), c.vectors.begin(), c.vectors.end());
    named = named || !c.name_offsets.empty();
    for (std::size_t row = 0; row < c.rows(); ++row)
      rows.names.emplace_back(c.name(row));
  }
  if (!named)
    rows.names.clear();
  auto made = value_or_end(write_segment(o.store, std::to_string(collection), id, metric, dimension, rows, index));
  made.partition = from.front().partition;
  made.channel = from.front().channel;
  return made;
}

/// New segments have no index where the old ones have lost theirs.
std::optional<index_kind> index_for(const std::vector<catalogue_segment>& segments) {
  bool indexed = false;
  bool large = false;
  for (const auto& segment : segments) {
    indexed = indexed || segment.index == index_kind::hnsw;
    large = large || segment.rows >= static_cast<std::int64_t>(limits::hnsw_rows);
  }
  if (large && !indexed)
    return index_kind::brute_force;
  return std::nullopt;
}

int compact(const options& o) {
  interruptible();
  session s{o.coordinator};
  const auto all = segments_of(s, o.name);
  auto bins = bins_of(all.segments, static_cast<std::int64_t>(o.segment_rows));
  std::vector<std::int64_t> replaced;
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (replaced.size() + bins[i].size() > limits::import_segments) { // the rest comes with the next call
      bins.resize(i);
      break;
    }
    for (const auto& segment : bins[i])
      replaced.push_back(segment.id.value);
  }
  if (bins.empty()) {
    print(o,
          "nothing to compact: no two segments of " + o.name + " fit into one of " + std::to_string(o.segment_rows)
            + " rows",
          "replaced", 0);
    return done;
  }
  const auto first =
    s.ask<schema::AllocateIdsRequest>([&](auto b) { b.setCount(static_cast<std::uint32_t>(bins.size())); })->getFirst();
  std::vector<catalogue_segment> made;
  const auto take_away = [&] {
    for (const auto& segment : made)
      static_cast<void>(remove_segment(o.store, segment.file));
  };
  progress_line progress{o.json};
  try {
    for (const auto& b : bins) {
      made.push_back(
        merge(o, b, all.id, segment_id{first + static_cast<std::int64_t>(made.size())}, index_for(all.segments)));
      progress(made.size(), bins.size());
    }
  } catch (const interruption&) {
    take_away();
    throw command_error{failed, "interrupted; nothing was compacted and no new file is left"};
  } catch (...) {
    take_away();
    throw;
  }
  const auto reply = s.call<schema::CompactRequest>([&](auto b) {
    b.setCollection(o.name);
    auto old = b.initReplaced(static_cast<unsigned>(replaced.size()));
    for (unsigned i = 0; i < replaced.size(); ++i)
      old.set(i, replaced[i]);
    fill(b.initSegments(static_cast<unsigned>(made.size())), made);
  });
  if (!reply) {
    if (!outcome_unknown(reply.error()))
      take_away();
    throw command_error{reply.error()};
  }
  auto text = "compacted " + o.name + ": " + counted(static_cast<std::int64_t>(replaced.size()), "segment") + " became "
              + std::to_string(made.size());
  if (const auto version = reply->read().getTargetVersion(); version != 0)
    text += "\n  it is loaded: they are searched from target " + std::to_string(version)
            + " on; the files of the old ones go then";
  print(o, text, "replaced", replaced.size());
  return done;
}

void add(CLI::App& parent, command& chosen, const std::string& name, const std::string& meaning,
         const std::function<void(CLI::App&, options&)>& more, int (*run)(const options&)) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(parent, name, meaning);
  sub.add_option("name", o->name, "The collection")->type_name("NAME")->required();
  more(sub, *o);
  add_store_option(sub, o->store, "The folder of segment files that all processes see");
  add_coordinator_option(sub, o->coordinator);
  add_json_option(sub, o->json);
  sub.callback([o, &chosen, run] { chosen = [o, run] { return run(*o); }; });
}

} // namespace

void add_index_commands(CLI::App& app, command& chosen) {
  const auto create = [](CLI::App& sub, options& o) {
    sub.add_option("--rows-from", o.rows_from, "Segments with fewer rows stay without an index")
      ->type_name("N")
      ->check(between(std::size_t{1}, limits::segment_rows))
      ->capture_default_str();
  };
  const auto drop = [](CLI::App&, options&) {};
  constexpr auto create_means = "Build the HNSW index of segments that have none; loaded copies take it";
  constexpr auto drop_means = "Drop all indexes of a collection; loaded copies are searched row by row";
  add(app, chosen, "create-index", create_means, create, create_index);
  add(app, chosen, "drop-index", drop_means, drop, drop_indexes);
  add(
    app, chosen, "compact", "Merge small segments of each partition and channel into larger ones",
    [](CLI::App& sub, options& o) {
      sub.add_option("--segment-rows", o.segment_rows, "Rows of a new segment at most; those that have as many stay")
        ->type_name("N")
        ->check(between(std::size_t{2}, limits::segment_rows))
        ->capture_default_str();
    },
    compact);
  auto& index =
    add_command(app, "index", "index create NAME, index drop NAME: the same as create-index and drop-index");
  index.require_subcommand(1);
  add(index, chosen, "create", create_means, create, create_index);
  add(index, chosen, "drop", drop_means, drop, drop_indexes);
}

} // namespace muster::cli
