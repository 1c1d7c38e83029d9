// What all journals share: names, the checksum, the rules of appending and of replay.
#include "persistence/journal.hpp"

#include "messages/limits.hpp"
#include "persistence/checksum.hpp"
#include "persistence/journal_rules.hpp"

#include <algorithm>

namespace muster {

std::uint64_t row_checksum(const journal_row& row) {
  // Stored, so frozen: the parts, their order and widths.
  const std::uint64_t head[] = {row.seq, row.epoch, static_cast<std::uint64_t>(row.kind), row.payload ? 1u : 0u};
  auto sum = checksum64(head, sizeof(head));
  sum = checksum64(row.key.data(), row.key.size(), sum);
  return row.payload ? checksum64(row.payload->data(), row.payload->size(), sum) : sum;
}

// -- appending ----------------------------------------------------------------

std::string reason_to_refuse(const std::vector<journal_row>& rows, std::uint64_t last_seq) {
  if (rows.size() > limits::journal_batch_rows)
    return "appending " + std::to_string(rows.size()) + " rows to the journal: a commit takes at most "
           + std::to_string(limits::journal_batch_rows) + "; commit them in parts";
  auto expected = last_seq;
  for (const auto& row : rows) {
    if (row.seq != ++expected)
      return "appending row " + std::to_string(row.seq) + " to the journal: row " + std::to_string(expected)
             + " must come next; replay the journal and go on from its last row";
    if (row.payload && row.payload->size() > limits::journal_payload_bytes)
      return "appending row " + std::to_string(row.seq) + " (" + std::string{to_string(row.kind)} + " " + row.key
             + ") to the journal: its payload has " + std::to_string(row.payload->size()) + " bytes, the limit is "
             + std::to_string(limits::journal_payload_bytes) + "; split it";
  }
  return {};
}

// -- replay -------------------------------------------------------------------

bad_record checksum_damage(const journal_row& row) {
  return {row.seq, row.kind, row.key,
          "reading row " + std::to_string(row.seq) + " (" + std::string{to_string(row.kind)} + " " + row.key
            + ") of the journal: its checksum is wrong, it is left out; check the disk and write the entry anew"};
}

bad_record gap_damage(std::uint64_t from, std::uint64_t to) {
  auto which = from == to ? "row " : "rows " + std::to_string(from) + " to ";
  return {from, record_kind{}, {},
          "reading " + which + std::to_string(to)
            + " of the journal: missing, what was changed there is lost; check the disk"};
}

replay::replay(std::uint64_t folded_seq) : in_order_(folded_seq), highest_(folded_seq) {
  // nop
}

void replay::add_snapshot(stored_row read) {
  if (!read.intact()) {
    bad_.push_back(checksum_damage(read.row));
    return;
  }
  highest_ = std::max(highest_, read.row.seq);
  auto& slot = live_[{read.row.kind, read.row.key}];
  if (slot.seq < read.row.seq)
    slot = std::move(read.row);
}

void replay::add_log(stored_row read) {
  auto& row = read.row;
  highest_ = std::max(highest_, row.seq);
  auto intact = read.intact();
  if (!intact)
    bad_.push_back(checksum_damage(row));
  // The seq of a damaged row counts only where it fits, else a wrong one would put its good successors out of order.
  if (!intact && row.seq != in_order_ + 1)
    return;
  if (row.seq <= in_order_) {
    bad_.push_back({row.seq, row.kind, row.key,
                    "reading row " + std::to_string(row.seq) + " of the journal: it stands after row "
                      + std::to_string(in_order_) + ", it is left out; check the disk"});
    return;
  }
  if (row.seq != in_order_ + 1)
    bad_.push_back(gap_damage(in_order_ + 1, row.seq - 1));
  in_order_ = row.seq;
  if (!intact)
    return;
  auto key = std::pair{row.kind, row.key};
  if (row.payload)
    live_.insert_or_assign(std::move(key), std::move(row));
  else
    live_.erase(key);
}

void replay::add_damage(bad_record what) {
  bad_.push_back(std::move(what));
}

journal_state replay::finish() && {
  journal_state out;
  out.last_seq = highest_;
  out.entries.reserve(live_.size());
  for (auto& [key, row] : live_)
    out.entries.push_back({key.first, key.second, row.payload ? std::move(*row.payload) : std::string{}});
  out.bad = std::move(bad_);
  return out;
}

} // namespace muster
