// `muster import`: builds segment files in the store, then makes them known with one request; before that, nothing is
// visible.
#include "actors/catalogue_answers.hpp"
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/progress.hpp"
#include "deploy/session.hpp"
#include "deploy/synthetic.hpp"
#include "persistence/import_builder.hpp"
#include "persistence/segment_file.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string store = "store";
  std::string name;
  std::string database{default_database};
  std::string vectors;
  std::string names;
  std::string metric;
  std::string partition;
  std::string synthetic;
  std::uint64_t seed = 1;
  std::size_t shards = 0;
  std::size_t segment_rows = 100'000;
  bool append = false;
  bool json = false;
};

/// What requests call the collection.
std::string full_name(const options& o) {
  return qualified_name(o.database, o.name);
}

bool usable_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_'
           || c == '-';
  });
}

[[noreturn]] void refuse(const std::string& what) {
  throw command_error{failure{ec::parameter_invalid, what}};
}

// What the import goes into.
struct destination {
  std::int64_t id = 0; // Of a collection that is there; 0: it is new.
  metric_kind metric = metric_kind::l2;
  std::size_t shards = 1;
  std::uint32_t dimension = 0; // 0: whatever the vectors have.
  std::int64_t first_row = 0;
  std::vector<std::string> channels;
  bool loaded = false;
};

destination new_collection(session& s, const options& o) {
  auto there = s.call<schema::DescribeCollectionRequest>([&](auto b) { b.setCollection(full_name(o)); });
  if (there)
    throw command_error{failure{ec::collection_already_exists,
                                "collection " + o.name + " is there already with "
                                    + counted(there->read().getCollection().getRows(), "row")
                                    + "; add to it with --append, drop it first, or choose another name"}};
  if (there.error().code != ec::collection_not_found)
    throw command_error{there.error()};
  destination to;
  if (o.metric.empty())
    throw command_error{usage, "--metric is needed for a new collection: cosine, l2 or ip"};
  to.metric = value_or_end(metric_from(o.metric));
  to.shards = o.shards == 0 ? 1 : o.shards;
  return to;
}

destination existing_collection(session& s, const options& o) {
  const auto reply = s.ask<schema::DescribeCollectionRequest>([&](auto b) { b.setCollection(full_name(o)); });
  const auto there = reply->getCollection();
  destination to;
  to.id = there.getId();
  to.metric = value_or_end(metric_from(view(there.getMetric())));
  to.dimension = there.getDimension();
  to.shards = there.getChannels().size();
  to.first_row = there.getRows();
  to.loaded = there.getLoadStatus() != "released";
  for (auto channel : there.getChannels())
    to.channels.emplace_back(view(channel));
  if (!o.metric.empty() && o.metric != view(there.getMetric()))
    refuse("collection " + o.name + " has the metric " + std::string{view(there.getMetric())} + ", not " + o.metric
           + "; leave --metric out or name that one");
  if (o.shards != 0 && o.shards != to.shards)
    refuse("collection " + o.name + " has " + counted(static_cast<std::int64_t>(to.shards), "shard") + ", not "
           + std::to_string(o.shards) + "; leave --shards out");
  return to;
}

// Takes away what was built for an import that did not come about.
void take_away(const std::string& store, const std::string& folder, const std::vector<segment_id>& ids) {
  for (auto id : ids)
    static_cast<void>(remove_segment(store, folder + "/" + to_string(id) + ".segment"));
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path{store} / folder, ignored); // Only when nothing is in it.
}

msg<schema::RegisterImportReply> announce(session& s, const options& o, const destination& to, std::int64_t collection,
                                          std::int64_t partition, const prepared_import& prepared,
                                          const std::vector<catalogue_segment>& made, const std::string& folder,
                                          const std::vector<segment_id>& ids) {
  auto reply = s.call<schema::RegisterImportRequest>([&](schema::RegisterImportRequest::Builder b) {
    b.setDatabase(o.database);
    b.setName(o.name);
    b.setAppend(to.id != 0);
    b.setCollectionId(collection);
    b.setMetric(std::string{to_string(to.metric)});
    b.setDimension(prepared.dimension());
    b.setHasNames(!prepared.names.empty());
    auto channels = b.initChannels(static_cast<unsigned>(to.channels.size()));
    for (unsigned i = 0; i < to.channels.size(); ++i)
      channels.set(i, to.channels[i]);
    b.setPartition(o.partition);
    b.setPartitionId(partition);
    b.setDefaultPartitionId(partition + 1);
    auto segments = b.initSegments(static_cast<unsigned>(made.size()));
    for (unsigned i = 0; i < made.size(); ++i) {
      write_segment_of(made[i], segments[i]);
    }
  });
  if (reply)
    return *reply;
  const auto& why = reply.error();
  // When the outcome is unknown the catalogue may name the files: they stay.
  const bool unknown = outcome_unknown(why);
  if (!unknown)
    take_away(o.store, folder, ids);
  throw command_error{failure{why.code, why.text
                                            + (unknown ? "; look with muster collections whether the import is there, "
                                                         "and if not, import again"
                                                       : "; nothing was imported")}};
}

void print(const options& o, const destination& to, const prepared_import& prepared,
           const std::vector<catalogue_segment>& made, schema::RegisterImportReply::Reader reply, double seconds) {
  std::int64_t bytes = 0;
  std::int64_t indexed = 0;
  for (auto& segment : made) {
    bytes += segment.bytes;
    indexed += segment.index == index_kind::hnsw;
  }
  const auto rows = static_cast<std::int64_t>(prepared.vectors.rows);
  if (o.json) {
    json_writer w;
    w.open('{')
        .field("collection", o.name)
        .field("collection_id", reply.getCollectionId())
        .field("rows", rows)
        .field("first_row_id", to.first_row)
        .field("dimension", prepared.dimension())
        .field("shards", to.shards)
        .field("segments", made.size())
        .field("segments_hnsw", indexed)
        .field("bytes", bytes)
        .field("target_version", reply.getTargetVersion())
        .field("seconds", seconds);
    std::cout << w.close('}').str() << '\n';
    return;
  }
  std::cout << (to.id != 0 ? "appended " : "imported ") << counted(rows, "row") << " of " << prepared.dimension()
            << " dimensions " << (to.id != 0 ? "to " : "as ") << o.name << " in " << fixed(seconds, 1) << " s\n  "
            << counted(static_cast<std::int64_t>(made.size()), "segment") << " (" << indexed << " hnsw, "
            << static_cast<std::int64_t>(made.size()) - indexed << " brute force) over "
            << counted(static_cast<std::int64_t>(to.shards), "shard") << ", " << as_bytes_text(bytes) << ", row ids "
            << to.first_row << " to " << to.first_row + rows - 1 << '\n';
  if (reply.getTargetVersion() != 0)
    std::cout << "  it is loaded: searches see the new rows with target " << reply.getTargetVersion() << '\n';
  else if (to.id == 0)
    std::cout << "  next: muster load " << full_name(o) << '\n';
}

int run_synthetic(const options& o) {
  if (!o.vectors.empty() || !o.names.empty() || !o.metric.empty() || !o.partition.empty() || o.append)
    throw command_error{usage, "--synthetic makes collections without vectors; of the other options only NAME, --shards, "
                               "--segment-rows and --seed go with it"};
  synthetic_options to;
  to.coordinator = o.coordinator;
  to.shape = o.synthetic;
  if (!o.name.empty())
    to.name = o.name;
  if (!usable_name(to.name) || to.name.size() > 240)
    throw command_error{usage, "\"" + to.name + "\" cannot begin collections' names; use 1 to 240 of A-Z a-z 0-9 . _ -"};
  to.shards = o.shards == 0 ? 1 : o.shards;
  to.segment_rows = o.segment_rows;
  to.seed = o.seed;
  to.json = o.json;
  return import_synthetic(to);
}

int run(options o) {
  if (const auto [database, name] = split_name(o.name); database != default_database) {
    const std::string in{database};
    o.name = std::string{name};
    o.database = in;
  }
  if (!o.synthetic.empty())
    return run_synthetic(o);
  if (o.name.empty())
    throw command_error{usage, "NAME, the collection, is missing"};
  if (o.vectors.empty())
    throw command_error{usage, "--vectors is required (or --synthetic, for collections without vectors)"};
  if (!usable_name(o.name))
    throw command_error{usage, "\"" + o.name + "\" cannot be a collection's name; use 1 to 255 of A-Z a-z 0-9 . _ -"};
  const auto start = std::chrono::steady_clock::now();
  interruptible();
  session s{o.coordinator};
  auto to = o.append ? existing_collection(s, o) : new_collection(s, o);

  // Everything that can be wrong with the input is found before anything is made.
  import_plan plan;
  plan.vectors_path = o.vectors;
  if (!o.names.empty())
    plan.names_path = o.names;
  plan.metric = to.metric;
  plan.shards = to.shards;
  plan.segment_rows = o.segment_rows;
  plan.first_row_id = to.first_row;
  const auto prepared = value_or_end(prepare_import(plan));
  if (to.dimension != 0 && prepared.dimension() != to.dimension)
    refuse(o.vectors + ": has vectors of " + std::to_string(prepared.dimension()) + " dimensions, but collection "
           + o.name + " has " + std::to_string(to.dimension) + "; give vectors of that dimension");
  std::error_code wrong;
  std::filesystem::create_directories(o.store, wrong);
  if (wrong)
    throw command_error{failure{ec::io_failed, "the store " + o.store + " cannot be made: " + wrong.message()
                                                   + "; name the folder that the coordinator has as its --store"}};

  // Ids: the collection, two partitions, the segments; from the durable allocator, so no other import has them.
  const auto count = prepared.segment_count();
  const auto allocated =
      s.ask<schema::AllocateIdsRequest>([&](auto b) { b.setCount(static_cast<std::uint32_t>(count + 3)); });
  const auto first = allocated->getFirst();
  const auto collection = to.id != 0 ? to.id : first;
  std::vector<segment_id> ids;
  for (std::size_t i = 0; i < count; ++i)
    ids.emplace_back(first + 3 + static_cast<std::int64_t>(i));
  for (std::size_t i = to.channels.size(); i < to.shards; ++i)
    to.channels.push_back(o.name + "-" + std::to_string(collection) + "-v" + std::to_string(i));

  const auto folder = std::to_string(collection);
  std::vector<catalogue_segment> made;
  try {
    made = value_or_end(build_segments(prepared, o.store, folder, ids, to.channels, progress_line{o.json}));
    if (interrupted)
      throw interruption{};
  } catch (const interruption&) {
    take_away(o.store, folder, ids);
    throw command_error{failed, "interrupted; nothing was imported and no file of it is left"};
  }
  const auto reply = announce(s, o, to, collection, first + 1, prepared, made, folder, ids);
  print(o, to, prepared, made, reply.read(),
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return done;
}

} // namespace

void add_import(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, "import", "Make a collection of a .npy matrix, or add rows to one");
  sub.add_option("name", o->name, "The collection; with --synthetic what all names begin with [synthetic]")
      ->type_name("NAME");
  sub.add_option("--vectors", o->vectors, "A .npy matrix of float32 or float64, one row a vector")
      ->type_name("FILE");
  sub.add_option("--ids", o->names, "A text file with one name a line, for each row")->type_name("FILE");
  sub.add_option("--metric", o->metric, "How distance is measured; needed for a new collection")
      ->type_name("cosine|l2|ip")
      ->check(one_of({"cosine", "l2", "ip"}).description(""));
  sub.add_option("--shards", o->shards, "Into how many channels a new collection is cut, at most 64 [1]")
      ->type_name("N")
      ->check(between(std::size_t{1}, limits::shards));
  sub.add_option("--segment-rows", o->segment_rows, "Rows of a segment; from 1,000 on it gets an HNSW index")
      ->type_name("N")
      ->check(between(std::size_t{1}, limits::segment_rows))
      ->capture_default_str();
  sub.add_option("--database", o->database, "The database, which must be there; DATABASE/NAME means the same")
      ->type_name("D")
      ->capture_default_str();
  sub.add_option("--partition", o->partition, "The partition, made when new [_default]")->type_name("P");
  sub.add_flag("--append", o->append, "Add to a collection that is there; a loaded one takes it over without a gap");
  sub.add_option("--synthetic", o->synthetic,
                 "Instead: so many collections of so many segments without vectors, for muster fleet")
      ->type_name("CxS");
  sub.add_option("--seed", o->seed, "Of the rows of synthetic segments")->type_name("N")->capture_default_str();
  add_store_option(sub, o->store, "The folder of segment files that all processes see");
  add_coordinator_option(sub, o->coordinator);
  add_json_option(sub, o->json);
  sub.callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

} // namespace muster::cli
