// `muster load`, `release`, `collections`, `drop`: what is served, what is there.
#include "deploy/cli.hpp"
#include "deploy/many.hpp"
#include "deploy/output.hpp"
#include "deploy/session.hpp"
#include "persistence/catalogue.hpp"

#include <iostream>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string name;
  std::uint32_t replicas = 0; ///< As the collection or the cluster says, else 1.
  std::vector<std::string> groups;
  double timeout_s = 120;
  bool all = false;
  std::size_t in_flight = 32;
  bool json = false;
};

using clock = std::chrono::steady_clock;

double ms_since(clock::time_point start) {
  return std::chrono::duration<double, std::milli>(clock::now() - start).count();
}

std::chrono::milliseconds patience(const options& o) {
  return std::chrono::milliseconds{static_cast<std::int64_t>(o.timeout_s * 1000)};
}

void print_done(const options& o, const char* verb, double ms) {
  if (o.json)
    std::cout
        << json_writer{}.open('{').field("collection", o.name).field("done", verb).field("ms", ms).field("trace_id", std::to_string(traces().last())).close('}').str()
        << '\n';
  else
    std::cout << verb << ' ' << o.name << " in " << fixed(ms, 1) << " ms\n";
}

/// Exactly one of NAME and --all.
void check_choice(const options& o, const char* command) {
  if (o.all == !o.name.empty())
    throw command_error{usage, o.all ? "--all and a collection's name exclude each other"
                                     : "name the collection, or give --all; see muster " + std::string{command} + " --help"};
}

void fill(schema::LoadCollectionRequest::Builder b, const options& o, const std::string& name) {
  b.setCollection(name);
  b.setReplicaNumber(o.replicas);
  auto groups = b.initResourceGroups(static_cast<unsigned>(o.groups.size()));
  for (unsigned i = 0; i < o.groups.size(); ++i)
    groups.set(i, o.groups[i]);
}

int load_all(const options& o) {
  many_requests todo;
  todo.coordinator = o.coordinator;
  todo.status = "released";
  todo.verb = "loaded";
  todo.in_flight = o.in_flight;
  todo.json = o.json;
  todo.request = [&](const std::string& name) {
    return build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
      b.getHeader().setDeadline(std::chrono::nanoseconds{patience(o)}.count());
      fill(b.initLoadCollection(), o, name);
    });
  };
  return ask_for_all(todo);
}

int release_all(const options& o) {
  many_requests todo;
  todo.coordinator = o.coordinator;
  todo.status = "loaded";
  todo.verb = "released";
  todo.in_flight = o.in_flight;
  todo.json = o.json;
  todo.request = [&](const std::string& name) {
    return build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
      b.getHeader().setDeadline(std::chrono::nanoseconds{patience(o)}.count());
      b.initReleaseCollection().setCollection(name);
    });
  };
  return ask_for_all(todo);
}

int load(const options& o) {
  check_choice(o, "load");
  if (o.all)
    return load_all(o);
  session s{o.coordinator};
  s.ask<schema::GetStatusRequest>(); // The connection is no part of what is measured.
  const auto start = clock::now();
  s.ask<schema::LoadCollectionRequest>([&](auto b) { fill(b, o, o.name); }, patience(o));
  print_done(o, "loaded", ms_since(start));
  return done;
}

int release(const options& o) {
  check_choice(o, "release");
  if (o.all)
    return release_all(o);
  session s{o.coordinator};
  const auto start = clock::now();
  s.ask<schema::ReleaseCollectionRequest>([&](auto b) { b.setCollection(o.name); }, patience(o));
  print_done(o, "released", ms_since(start));
  return done;
}

int drop(const options& o) {
  session s{o.coordinator};
  const auto start = clock::now();
  s.ask<schema::DropCollectionRequest>([&](auto b) { b.setCollection(o.name); });
  print_done(o, "dropped", ms_since(start));
  return done;
}

int collections(const options& o) {
  session s{o.coordinator};
  const auto reply = s.ask<schema::ListCollectionsRequest>();
  if (!o.json) {
    table t{{"NAME", "ID", "STATUS", "ROWS", "SEGMENTS", "SIZE", "METRIC", "DIM", "SHARDS", "PARTITIONS", "NAMES"}};
    for (auto c : reply->getCollections()) {
      std::string partitions;
      for (auto p : c.getPartitions())
        partitions += (partitions.empty() ? "" : ",") + std::string{view(p.getName())};
      t.row({qualified_name(view(c.getDatabase()), view(c.getName())), std::to_string(c.getId()), std::string{view(c.getLoadStatus())},
             with_commas(c.getRows()), with_commas(c.getSegments()), as_bytes_text(c.getBytes()),
             std::string{view(c.getMetric())}, std::to_string(c.getDimension()), std::to_string(c.getChannels().size()),
             partitions, c.getHasNames() ? "yes" : "no"});
    }
    std::cout << (t.empty() ? "no collections; make one with muster import\n" : t.str());
    return done;
  }
  json_writer w;
  w.open('[');
  for (auto c : reply->getCollections()) {
    w.open('{')
        .field("id", c.getId())
        .field("database", view(c.getDatabase()))
        .field("name", qualified_name(view(c.getDatabase()), view(c.getName())))
        .field("status", view(c.getLoadStatus()))
        .field("rows", c.getRows())
        .field("segments", c.getSegments())
        .field("bytes", c.getBytes())
        .field("metric", view(c.getMetric()))
        .field("dimension", c.getDimension())
        .field("has_names", c.getHasNames());
    w.key("channels").open('[');
    for (auto channel : c.getChannels())
      w.text(view(channel));
    w.close(']').key("partitions").open('[');
    for (auto p : c.getPartitions())
      w.open('{').field("id", p.getId()).field("name", view(p.getName())).close('}');
    w.close(']').key("properties").open('{');
    for (auto p : c.getProperties())
      w.field(view(p.getKey()), view(p.getValue()));
    w.close('}').close('}');
  }
  std::cout << w.close(']').str() << '\n';
  return done;
}

// A command about one collection, or with `all` possibly about all.
CLI::App& add_named(CLI::App& app, const std::string& name, const std::string& description, options& o,
                    const char* all = nullptr) {
  auto& sub = add_command(app, name, description);
  auto* which = sub.add_option("name", o.name, "The collection")->type_name("NAME");
  if (all == nullptr) {
    which->required();
  } else {
    sub.add_flag("--all", o.all, all);
    sub.add_option("--in-flight", o.in_flight, "With --all: requests at a time")
        ->type_name("N")
        ->check(between(std::size_t{1}, limits::client_requests / 2))
        ->capture_default_str();
  }
  add_coordinator_option(sub, o.coordinator);
  add_json_option(sub, o.json);
  return sub;
}

void add_timeout(CLI::App& sub, options& o) {
  sub.add_option("--timeout-s", o.timeout_s, "How long to wait for it; it goes on afterwards too")
      ->type_name("S")
      ->check(between(0.001, 600.0))
      ->capture_default_str();
}

} // namespace

void add_collection_commands(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto choose = [o, &chosen](CLI::App& sub, int (*run)(const options&)) {
    sub.callback([o, run, &chosen] { chosen = [o, run] { return run(*o); }; });
  };
  auto& loading = add_named(app, "load", "Have a collection served; ends when it can be searched", *o,
                            "Instead: every collection that is not loaded");
  loading.add_option("--replicas", o->replicas, "On how many sets of nodes (default: as the collection or the cluster says, else 1)")
      ->type_name("N")
      ->check(between(1u, static_cast<unsigned>(limits::replicas)));
  loading.add_option("--resource-group", o->groups, "The group of all replicas, or (again) of each")->type_name("GROUP");
  add_timeout(loading, *o);
  choose(loading, load);
  auto& releasing = add_named(app, "release", "Have a collection no longer served; its data stays", *o,
                              "Instead: every collection that is loaded");
  add_timeout(releasing, *o);
  choose(releasing, release);
  choose(add_named(app, "drop", "Delete a released collection and its files", *o), drop);
  auto& listing = add_command(app, "collections", "List what has been imported");
  add_coordinator_option(listing, o->coordinator);
  add_json_option(listing, o->json);
  choose(listing, collections);
}

} // namespace muster::cli
