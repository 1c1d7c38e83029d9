// What outlives simulated processes (journal, catalogue), and the segments that do not.
#pragma once

#include "persistence/catalogue.hpp"
#include "persistence/journal.hpp"
#include "persistence/memory_engine.hpp"
#include "persistence/segment_engine.hpp"
#include "tests/simulation/prng.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace muster::sim {

/// True while the process that holds it runs; afterwards nothing it does has any effect.
using life = std::shared_ptr<bool>;

/// What the disk does with the next commits.
struct disk_faults {
  int refuse = 0;  ///< So many commits are refused.
  int unknown = 0; ///< So many commits end without anybody knowing how.
  int cut = 0;     ///< At so many commits power fails.
};

/// A journal as one process sees it: a commit is wholly on the disk or not at all.
class sim_journal : public journal {
public:
  struct hooks {
    std::function<void()> began;                                       ///< The calling actor is the journal.
    std::function<void(const std::vector<journal_row>&)> committed;
    std::function<void()> power_fails;
    std::function<void(append_outcome)> failed;
  };

  sim_journal(std::shared_ptr<memory_disk> disk, std::shared_ptr<disk_faults> faults, prng& random, life alive, hooks h)
    : inner_(make_memory_journal(std::move(disk))), faults_(std::move(faults)), random_(random), alive_(std::move(alive)),
      hooks_(std::move(h)) {
    // nop
  }

  result<journal_state> recover() override {
    return inner_->recover();
  }

  append_result append(const std::vector<journal_row>& rows) override;

  bool fold() override {
    return *alive_ && inner_->fold();
  }

  result<std::vector<journal_row>> read(std::uint64_t after, std::size_t most, std::size_t bytes) override {
    return inner_->read(after, most, bytes);
  }

  std::uint64_t last_seq() const override {
    return inner_->last_seq();
  }

  std::string describe() const override {
    return "simulated journal";
  }

private:
  append_result commit(const std::vector<journal_row>& rows);

  std::unique_ptr<journal> inner_;
  std::shared_ptr<disk_faults> faults_;
  prng& random_;
  life alive_;
  hooks hooks_;
};

/// What the store of segment files does to who reads it, beside what the disk of the journal does.
struct store_faults {
  ec all = ec::ok;                 ///< Every load fails with this.
  std::map<std::int64_t, ec> some; ///< Loads of these segments do.
};

/// The data that exists, in memory. With compaction, an append may also merge older segments into a new one.
class sim_data {
public:
  result<catalogue_collection> register_import(const catalogue_import& what);

  std::map<collection_id, catalogue_collection> collections;
  std::map<collection_id, std::map<segment_id, catalogue_segment>> segments;
  std::map<collection_id, std::vector<catalogue_partition>> partitions;
  bool down = false; ///< Who asks what data there is gets no answer but an error.
  std::int64_t drop_every = 0; ///< n: an append drops one older segment of n. 0: none.
  prng random{1};
};

/// A process's way to the data.
std::shared_ptr<catalogue> make_catalogue(std::shared_ptr<sim_data> data, life alive);

/// The segments of one node process, with what was ever here.
class sim_engine : public segment_engine {
public:
  sim_engine(life alive, std::shared_ptr<const store_faults> faults, std::function<void()> loading,
             std::function<void(segment_id)> released)
    : alive_(std::move(alive)), faults_(std::move(faults)), loading_(std::move(loading)), released_(std::move(released)) {
    // nop
  }

  result<loaded_segment> load(const segment_source& what) override;
  void release(segment_id id) override;

  result<loaded_segment> change_indexes(const segment_source& what, std::uint64_t indexes, bool drop) override {
    return inner_->change_indexes(what, indexes, drop);
  }

  result<loaded_segment> load_stats(const segment_source& what, std::uint64_t fields) override {
    return inner_->load_stats(what, fields);
  }

  result<std::vector<search_hit>> search(std::span<const segment_id> segments, std::span<const float> query,
                                         std::uint32_t k) override {
    return inner_->search(segments, query, k);
  }

  result<std::vector<named_row>> find_by_name(std::span<const segment_id> segments, std::string_view name) override {
    return inner_->find_by_name(segments, name);
  }

  std::map<std::int64_t, std::int64_t> here; ///< Segment -> collection.
  std::set<std::int64_t> ever;

private:
  std::unique_ptr<segment_engine> inner_ = make_memory_engine();
  life alive_;
  std::shared_ptr<const store_faults> faults_;
  std::function<void()> loading_;
  std::function<void(segment_id)> released_;
};

} // namespace muster::sim
