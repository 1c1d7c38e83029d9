// `muster search` and `muster recall`: asking the nodes.
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/queries.hpp"

#include <algorithm>
#include <iostream>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string name;
  std::string vectors;
  std::string like;
  std::string truth;
  std::uint32_t k = 10;
  std::int64_t deadline_ms = 5'000;
  bool json = false;
};

using answers_t = std::vector<std::vector<search_hit>>;

std::string as_json(const answers_t& all) {
  json_writer w;
  w.open('[');
  for (std::size_t i = 0; i < all.size(); ++i) {
    w.open('{').field("query", i).key("hits").open('[');
    for (auto& hit : all[i]) {
      w.open('{').field("id", hit.id).field("distance", hit.distance);
      if (!hit.name.empty())
        w.field("name", hit.name);
      w.close('}');
    }
    w.close(']').close('}');
  }
  return w.close(']').str();
}

void print_text(const answers_t& all) {
  const bool names =
      std::any_of(all.begin(), all.end(), [](auto& hits) { return !hits.empty() && !hits[0].name.empty(); });
  table t{names ? std::vector<std::string>{"QUERY", "ID", "DISTANCE", "NAME"}
                : std::vector<std::string>{"QUERY", "ID", "DISTANCE"}};
  for (std::size_t i = 0; i < all.size(); ++i)
    for (auto& hit : all[i])
      t.row({std::to_string(i), std::to_string(hit.id), fixed(hit.distance, 4), hit.name});
  std::cout << (t.empty() ? "nothing found\n" : t.str());
}

// The vector of the row of that name, as a matrix of one row.
npy_matrix<float> vector_like(session& s, const options& o) {
  auto found = s.wait(s.api().find(o.name, o.like));
  if (!found)
    throw command_error{explained(s, o.name, found.error())};
  if (found->empty())
    throw command_error{
        failure{ec::parameter_invalid, "no row of " + o.name + " has the name \"" + o.like
                                           + "\"; names are as in the file given with --ids, to the letter"}};
  npy_matrix<float> out;
  out.rows = 1;
  out.values = (*found)[0].vector;
  out.columns = out.values.size();
  return out;
}

int search(const options& o) {
  if (o.vectors.empty() == o.like.empty())
    throw command_error{usage, "give either --vector-file or --like"};
  client_options settings;
  settings.search_deadline = std::chrono::milliseconds{o.deadline_ms};
  // The file is read first: what is wrong with it needs no coordinator.
  auto queries = o.vectors.empty() ? npy_matrix<float>{} : value_or_end(read_npy_floats(o.vectors));
  session s{o.coordinator, settings};
  if (!o.like.empty())
    queries = vector_like(s, o);
  const auto all = search_all(s, o.name, queries, o.k, settings.search_deadline);
  if (o.json)
    std::cout << as_json(all) << '\n';
  else
    print_text(all);
  return done;
}

int recall(const options& o) {
  const auto queries = value_or_end(read_npy_floats(o.vectors));
  const auto truth = value_or_end(read_npy_integers(o.truth));
  if (truth.rows != queries.rows)
    throw command_error{failure{ec::parameter_invalid, o.truth + " has " + std::to_string(truth.rows) + " rows, but "
                                                           + o.vectors + " has " + std::to_string(queries.rows)
                                                           + "; give the answers to these queries"}};
  if (truth.columns < o.k)
    throw command_error{failure{ec::parameter_invalid, o.truth + " has only " + std::to_string(truth.columns)
                                                           + " answers a query; ask with -k for no more"}};
  client_options settings;
  settings.search_deadline = std::chrono::milliseconds{o.deadline_ms};
  session s{o.coordinator, settings};
  const auto all = search_all(s, o.name, queries, o.k, settings.search_deadline);
  std::size_t right = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto exact = truth.row(i).first(o.k);
    for (auto& hit : all[i])
      right += static_cast<std::size_t>(std::count(exact.begin(), exact.end(), hit.id));
  }
  const auto value = static_cast<double>(right) / static_cast<double>(all.size() * o.k);
  if (o.json)
    std::cout
        << json_writer{}.open('{').field("recall", value).field("k", o.k).field("queries", all.size()).close('}').str()
        << '\n';
  else
    std::cout << "recall@" << o.k << ' ' << fixed(value, 4) << " over " << counted(std::ssize(all), "query vector")
              << '\n';
  return done;
}

void add_common(CLI::App& sub, options& o) {
  sub.add_option("name", o.name, "The collection")->type_name("NAME")->required();
  sub.add_option("-k,--k", o.k, "How many nearest rows")
      ->type_name("N")
      ->check(between(std::uint32_t{1}, static_cast<std::uint32_t>(limits::search_k)))
      ->capture_default_str();
  sub.add_option("--deadline-ms", o.deadline_ms, "Longest wait for an answer")
      ->type_name("MS")
      ->check(between(std::int64_t{1}, std::int64_t{limits::search_timeout.count()}))
      ->capture_default_str();
  add_coordinator_option(sub, o.coordinator);
  add_json_option(sub, o.json);
}

} // namespace

void add_search_commands(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& searching = add_command(app, "search", "Find the nearest rows of a loaded collection");
  add_common(searching, *o);
  searching.add_option("--vector-file", o->vectors, "A .npy matrix, one row a query")->type_name("FILE");
  searching.add_option("--like", o->like, "Search for what is near the row of this name")->type_name("WORD");
  searching.callback([o, &chosen] { chosen = [o] { return search(*o); }; });
  auto& measuring = add_command(app, "recall", "Compare answers with exact ones: the share that was found");
  add_common(measuring, *o);
  measuring.add_option("--vector-file", o->vectors, "A .npy matrix, one row a query")->type_name("FILE")->required();
  measuring
      .add_option("--truth", o->truth, "A .npy int64 matrix: for each query the ids of the nearest rows, nearest first")
      ->type_name("FILE")
      ->required();
  measuring.callback([o, &chosen] { chosen = [o] { return recall(*o); }; });
}

} // namespace muster::cli
