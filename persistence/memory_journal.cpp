// A journal in memory, with the checks of the durable one; for tests and benchmarks.
#include "messages/limits.hpp"
#include "persistence/journal.hpp"
#include "persistence/journal_rules.hpp"

#include <algorithm>

namespace muster {

namespace {

class memory_journal : public journal {
public:
  explicit memory_journal(std::shared_ptr<memory_disk> disk) : disk_(std::move(disk)) {
    last_seq_ = disk_->folded_seq;
    for (const auto& row : disk_->rows)
      last_seq_ = std::max(last_seq_, row.seq);
  }

  result<journal_state> recover() override {
    auto state = replay{disk_->folded_seq};
    for (const auto& damage : disk_->damaged)
      state.add_damage(damage);
    for (const auto& entry : disk_->snapshot)
      state.add_snapshot(stored(entry.second));
    for (const auto& row : disk_->rows)
      state.add_log(stored(row));
    auto out = std::move(state).finish();
    last_seq_ = out.last_seq;
    return out;
  }

  append_result append(const std::vector<journal_row>& rows) override {
    if (auto reason = reason_to_refuse(rows, last_seq_); !reason.empty())
      return {append_outcome::refused, std::move(reason)};
    for (const auto& row : rows) {
      disk_->rows.push_back(row);
      disk_->checksums[row.seq] = row_checksum(row);
    }
    last_seq_ += rows.size();
    return {};
  }

  bool fold() override {
    auto& log = disk_->rows;
    if (log.size() <= limits::journal_rows_before_snapshot)
      return false;
    auto end = log.begin() + static_cast<std::ptrdiff_t>(std::min(log.size(), limits::journal_fold_rows));
    for (auto at = log.begin(); at != end; ++at)
      fold_row(std::move(*at));
    log.erase(log.begin(), end);
    return log.size() > limits::journal_rows_before_snapshot;
  }

  result<std::vector<journal_row>> read(std::uint64_t after, std::size_t most, std::size_t bytes) override {
    std::map<std::uint64_t, const journal_row*> all;
    for (const auto& entry : disk_->snapshot)
      all[entry.second.seq] = &entry.second;
    for (const auto& row : disk_->rows)
      all[row.seq] = &row;
    std::erase_if(all, [&](const auto& each) { return each.first <= after || !stored(*each.second).intact(); });
    if (after == 0)
      while (all.size() > most)
        all.erase(all.begin());
    std::vector<journal_row> out;
    std::size_t sum = 0;
    for (const auto& [seq, row] : all) {
      sum += row->payload ? row->payload->size() : 0;
      if (out.size() == most || (!out.empty() && sum > bytes))
        break;
      out.push_back(*row);
    }
    return out;
  }

  std::uint64_t last_seq() const override {
    return last_seq_;
  }

  std::string describe() const override {
    return "memory journal: " + std::to_string(disk_->rows.size()) + " rows in the log, "
           + std::to_string(disk_->snapshot.size()) + " in the snapshot";
  }

private:
  stored_row stored(const journal_row& row) const {
    auto found = disk_->checksums.find(row.seq);
    return {row, found == disk_->checksums.end() ? row_checksum(row) : found->second};
  }

  void fold_row(journal_row row) {
    if (row.seq > disk_->folded_seq + 1)
      disk_->damaged.push_back(gap_damage(disk_->folded_seq + 1, row.seq - 1));
    disk_->folded_seq = std::max(disk_->folded_seq, row.seq);
    if (!stored(row).intact()) {
      disk_->damaged.push_back(checksum_damage(row));
      disk_->checksums.erase(row.seq);
      return;
    }
    std::erase_if(disk_->damaged, [&](const bad_record& bad) { return bad.kind == row.kind && bad.key == row.key; });
    auto key = std::pair{row.kind, row.key};
    if (auto old = disk_->snapshot.find(key); old != disk_->snapshot.end()) {
      disk_->checksums.erase(old->second.seq);
      disk_->snapshot.erase(old);
    }
    if (row.payload)
      disk_->snapshot.emplace(std::move(key), std::move(row));
    else
      disk_->checksums.erase(row.seq);
  }

  std::shared_ptr<memory_disk> disk_;
  std::uint64_t last_seq_ = 0;
};

} // namespace

std::unique_ptr<journal> make_memory_journal(std::shared_ptr<memory_disk> disk) {
  return std::make_unique<memory_journal>(std::move(disk));
}

} // namespace muster
