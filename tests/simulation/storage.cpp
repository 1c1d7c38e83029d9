// Commits that end, fail or are cut; data that only grows or is compacted; segments that die with their process.
#include "tests/simulation/storage.hpp"

#include <algorithm>

namespace muster::sim {

// -- journal ------------------------------------------------------------------

append_result sim_journal::commit(const std::vector<journal_row>& rows) {
  auto done = inner_->append(rows);
  if (done.outcome == append_outcome::durable)
    hooks_.committed(rows);
  return done;
}

append_result sim_journal::append(const std::vector<journal_row>& rows) {
  if (!*alive_)
    return {append_outcome::unknown, "the process has ended"};
  hooks_.began();
  if (faults_->refuse > 0) {
    --faults_->refuse;
    hooks_.failed(append_outcome::refused);
    return {append_outcome::refused, "the simulated disk is full"};
  }
  if (faults_->unknown > 0) {
    --faults_->unknown;
    if (random_.chance(1, 2))
      commit(rows);
    hooks_.failed(append_outcome::unknown);
    return {append_outcome::unknown, "the simulated disk answers with an I/O error"};
  }
  if (faults_->cut > 0) {
    --faults_->cut;
    if (random_.chance(1, 2))
      commit(rows);
    hooks_.power_fails();
    return {append_outcome::unknown, "power fails"};
  }
  return commit(rows);
}

// -- catalogue ----------------------------------------------------------------

result<catalogue_collection> sim_data::register_import(const catalogue_import& what) {
  auto wanted = what.collection;
  auto i = collections.find(wanted.id);
  if (!what.append) {
    for (const auto& [id, c] : collections)
      if (c.name == wanted.name || id == wanted.id)
        return failure{ec::collection_already_exists, "collection " + wanted.name + " is there already"};
  } else if (i == collections.end() || i->second.name != wanted.name) {
    return failure{ec::collection_not_found, "collection " + wanted.name + " is not in the catalogue"};
  }
  for (const auto& s : what.segments)
    for (const auto& [id, all] : segments)
      if (all.contains(s.id))
        return failure{ec::parameter_invalid, "segment " + to_string(s.id) + " is there already"};
  if (!what.append) {
    collections[wanted.id] = wanted;
    partitions[wanted.id] = {{what.default_partition, wanted.id, "_default"}};
  }
  auto& named = partitions.at(wanted.id);
  auto into = std::find_if(named.begin(), named.end(), [&](const auto& p) { return p.name == what.partition_name; });
  if (into == named.end())
    into = named.insert(named.end(), {what.partition, wanted.id, what.partition_name});
  auto& all = segments[wanted.id];
  if (what.append && drop_every > 0)
    for (auto old = all.begin(); old != all.end();)
      old = all.size() > 1 && random.chance(1, static_cast<std::uint64_t>(drop_every)) ? all.erase(old) : std::next(old);
  for (auto s : what.segments) {
    s.collection = wanted.id;
    s.partition = into->id;
    all[s.id] = s;
  }
  return collections.at(wanted.id);
}

namespace {

class sim_catalogue : public catalogue {
public:
  sim_catalogue(std::shared_ptr<sim_data> data, life alive) : data_(std::move(data)), alive_(std::move(alive)) {
    // nop
  }

  result<catalogue_collection> register_import(const catalogue_import& what) override {
    if (!*alive_)
      return failure{ec::io_failed, "the process has ended"};
    return data_->register_import(what);
  }

  result<unit> register_imports(const std::vector<catalogue_import>&) override {
    return failure{ec::io_failed, "the simulated catalogue takes one import at a time"};
  }

  result<std::vector<std::string>> drop_collection(collection_id id) override {
    if (!*alive_ || !data_->collections.contains(id))
      return failure{ec::collection_not_found, "collection " + to_string(id) + " is not in the catalogue"};
    data_->collections.erase(id);
    data_->segments.erase(id);
    data_->partitions.erase(id);
    return std::vector<std::string>{};
  }

  result<catalogue_partition> create_partition(collection_id id, const std::string& name, partition_id partition) override {
    if (!*alive_ || !data_->collections.contains(id))
      return failure{ec::collection_not_found, "collection " + to_string(id) + " is not in the catalogue"};
    auto& there = data_->partitions[id];
    for (const auto& p : there)
      if (p.name == name)
        return p;
    there.push_back({partition, id, name});
    return there.back();
  }

  result<std::vector<std::string>> drop_partition(collection_id id, std::string_view name) override {
    auto i = data_->partitions.find(id);
    if (!*alive_ || i == data_->partitions.end())
      return failure{ec::collection_not_found, "collection " + to_string(id) + " is not in the catalogue"};
    const auto p = std::find_if(i->second.begin(), i->second.end(), [&](const catalogue_partition& x) { return x.name == name; });
    if (p == i->second.end())
      return failure{ec::partition_not_found, "there is no partition " + std::string{name}};
    if (name == "_default")
      return failure{ec::parameter_invalid, "partition _default cannot be dropped"};
    const auto gone = p->id;
    std::erase_if(data_->segments[id], [&](const auto& entry) { return entry.second.partition == gone; });
    i->second.erase(p);
    return std::vector<std::string>{};
  }

  // Clients of the simulation ask for none of these.
  result<std::size_t> change_indexes(collection_id, const std::vector<indexed_segment>&) override {
    return absent();
  }

  result<unit> compact(const catalogue_compaction&) override {
    return absent();
  }

  result<std::vector<dropped_segment>> dropped(segment_id) override {
    return std::vector<dropped_segment>{};
  }

  result<std::vector<dropped_segment>> find_dropped(const std::vector<segment_id>&) override {
    return std::vector<dropped_segment>{};
  }

  result<unit> forget_dropped(const std::vector<segment_id>&) override {
    return unit{};
  }

  result<unit> create_database(const catalogue_database&) override {
    return absent();
  }

  result<unit> alter_database(std::string_view, const std::map<std::string, std::string>&, const std::vector<std::string>&) override {
    return absent();
  }

  result<unit> drop_database(std::string_view) override {
    return absent();
  }

  result<catalogue_database> find_database(std::string_view name) override {
    return catalogue_database{std::string{name}, {}, static_cast<std::int64_t>(data_->collections.size())};
  }

  result<std::vector<catalogue_database>> databases() override {
    return std::vector<catalogue_database>{*find_database(default_database)};
  }

  result<catalogue_collection> find(std::string_view, std::string_view name) override {
    if (data_->down)
      return failure{ec::io_failed, "the simulated catalogue cannot be read"};
    for (const auto& [id, c] : data_->collections)
      if (c.name == name)
        return c;
    return failure{ec::collection_not_found, "collection " + std::string{name} + " is not in the catalogue"};
  }

  result<catalogue_collection> find(collection_id id) override {
    auto i = data_->collections.find(id);
    if (i == data_->collections.end())
      return failure{ec::collection_not_found, "collection " + to_string(id) + " is not in the catalogue"};
    return i->second;
  }

  result<std::vector<catalogue_collection>> list() override {
    std::vector<catalogue_collection> all;
    for (const auto& [id, c] : data_->collections)
      all.push_back(c);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
  }

  result<std::vector<catalogue_partition>> partitions(collection_id id) override {
    auto i = data_->partitions.find(id);
    if (i == data_->partitions.end())
      return failure{ec::collection_not_found, "collection " + to_string(id) + " is not in the catalogue"};
    return i->second;
  }

  result<segment_page> segments(collection_id id, segment_id after) override {
    if (data_->down)
      return failure{ec::io_failed, "the simulated catalogue cannot be read"};
    auto i = data_->segments.find(id);
    if (i == data_->segments.end())
      return failure{ec::collection_not_found, "collection " + to_string(id) + " is not in the catalogue"};
    // Small pages, so that paging is exercised; between two pages an import may come.
    segment_page page;
    for (auto at = i->second.upper_bound(after); at != i->second.end(); ++at) {
      if (page.segments.size() == 5) {
        page.next_after = page.segments.back().id;
        break;
      }
      page.segments.push_back(at->second);
    }
    return page;
  }

  result<totals> totals_of(collection_id id) override {
    totals sum;
    for (const auto& [segment, s] : data_->segments[id]) {
      sum.rows += s.rows;
      sum.bytes += s.bytes;
      ++sum.segments;
    }
    return sum;
  }

private:
  static failure absent() {
    return {ec::internal, "the simulated catalogue has no such thing"};
  }

  std::shared_ptr<sim_data> data_;
  life alive_;
};

} // namespace

std::shared_ptr<catalogue> make_catalogue(std::shared_ptr<sim_data> data, life alive) {
  return std::make_shared<sim_catalogue>(std::move(data), std::move(alive));
}

// -- segments -----------------------------------------------------------------

result<loaded_segment> sim_engine::load(const segment_source& what) {
  if (!*alive_)
    return failure{ec::io_failed, "the process has ended"};
  loading_();
  if (faults_) {
    const auto one = faults_->some.find(what.id.value);
    if (const auto why = one != faults_->some.end() ? one->second : faults_->all; why != ec::ok)
      return failure{why, "segment " + to_string(what.id) + " cannot be loaded: " + std::string{to_string(why)}};
  }
  auto done = inner_->load(what);
  if (done) {
    here[what.id.value] = what.collection.value;
    ever.insert(what.id.value);
  }
  return done;
}

void sim_engine::release(segment_id id) {
  inner_->release(id);
  if (here.erase(id.value) > 0 && *alive_)
    released_(id);
}

} // namespace muster::sim
