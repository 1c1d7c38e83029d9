// Events as differences in blocks; chains of one subject through them.
#include "actors/core/event_log.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace muster {

namespace {

constexpr std::size_t slots = 1u << 17;
/// Of a block beside its code and words.
constexpr std::size_t block_overhead = 160;

enum field : std::uint32_t {
  has_collection = 1u << 0,
  has_replica = 1u << 1,
  has_segment = 1u << 2,
  has_channel = 1u << 3,
  has_node = 1u << 4,
  has_source = 1u << 5,
  has_task = 1u << 6,
  has_rule = 1u << 7,
  has_outcome = 1u << 8,
  has_took = 1u << 9,
  has_text = 1u << 10,
  has_trace = 1u << 11,
  has_score = 1u << 12,
  has_runner_up = 1u << 13,
  has_source_score = 1u << 14,
  has_gain = 1u << 15,
  has_situation = 1u << 16,
  has_version = 1u << 17,
  has_before = 1u << 18,
  has_work = 1u << 19,
};

void put(std::string& out, std::uint64_t x) {
  while (x >= 0x80) {
    out += static_cast<char>(x | 0x80);
    x >>= 7;
  }
  out += static_cast<char>(x);
}

void put_signed(std::string& out, std::int64_t x) {
  put(out, (static_cast<std::uint64_t>(x) << 1) ^ static_cast<std::uint64_t>(x >> 63));
}

/// The wrapping difference: ids may be anything.
std::int64_t less(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

/// A float without its last eight bits: sign, exponent and 15 bits are five digits, more than anybody compares.
void put_score(std::string& out, double x) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(x));
  const auto rounded = (bits & 0x7f800000u) == 0x7f800000u ? bits : bits + 0x80u;
  for (int shift : {8, 16, 24})
    out += static_cast<char>(rounded >> shift);
}

std::size_t slot_of_segment(std::int64_t segment) {
  return (static_cast<std::uint64_t>(segment) * 0x9e3779b97f4a7c15u) >> 47;
}

std::size_t slot_of_channel(std::string_view channel) {
  return std::hash<std::string_view>{}(channel) % slots;
}

/// The subject through which an event is found again: its segment, else its channel.
std::optional<std::size_t> slot_of(const log_event& e) {
  if (e.segment != 0)
    return slot_of_segment(e.segment);
  if (!e.channel.empty())
    return slot_of_channel(e.channel);
  return std::nullopt;
}

} // namespace

struct event_log::reader {
  const std::string& code;
  std::size_t at = 0;

  std::uint64_t number() {
    std::uint64_t x = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(code[at++]);
      x |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        return x;
    }
  }

  std::int64_t signed_number() {
    const auto x = number();
    return static_cast<std::int64_t>(x >> 1) ^ -static_cast<std::int64_t>(x & 1);
  }

  std::int64_t next(std::int64_t& base) {
    base = static_cast<std::int64_t>(static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(signed_number()));
    return base;
  }

  double score() {
    std::uint32_t bits = 0;
    for (int shift : {8, 16, 24})
      bits |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(code[at++])) << shift;
    return std::bit_cast<float>(bits);
  }
};

event_log::event_log(std::size_t decisions, std::size_t bytes, std::uint64_t first_number)
  : most_decisions_(decisions), most_bytes_(bytes), first_number_(first_number), next_(first_number), heads_(slots, 0) {
  // nop
}

void event_log::begin_block() {
  if (!blocks_.empty()) {
    auto& last = blocks_.back();
    last.code.shrink_to_fit();
    last.words.shrink_to_fit();
    code_bytes_ += last.code.size() + last.word_bytes + block_overhead;
  }
  blocks_.emplace_back();
  blocks_.back().first = next_;
  open_words_.clear();
  base_ = {};
}

std::uint32_t event_log::word(block& b, std::string_view text) {
  auto [i, fresh] = open_words_.try_emplace(std::string{text.substr(0, text_bytes)}, static_cast<std::uint32_t>(b.words.size()));
  if (fresh) {
    b.words.push_back(i->first);
    b.word_bytes += sizeof(std::string) + (i->first.size() > 15 ? i->first.size() + 1 : 0);
  }
  return i->second;
}

std::uint64_t event_log::add(const log_event& e) {
  if (blocks_.empty() || blocks_.back().count >= block_events)
    begin_block();
  auto& b = blocks_.back();
  const auto slot = slot_of(e);
  const auto before = slot ? heads_[*slot] : 0;
  std::uint32_t has = 0;
  const auto mark = [&](bool is, field f) { has |= is ? f : 0u; };
  mark(e.collection != 0, has_collection);
  mark(e.replica != 0, has_replica);
  mark(e.segment != 0, has_segment);
  mark(!e.channel.empty(), has_channel);
  mark(e.node != 0, has_node);
  mark(e.source != 0, has_source);
  mark(e.task != 0, has_task);
  mark(e.rule != reason::none, has_rule);
  mark(e.outcome != reason::none, has_outcome);
  mark(e.took_us != 0, has_took);
  mark(e.waited_us != 0 || e.worked_us != 0, has_work);
  mark(!e.text.empty(), has_text);
  mark(e.trace_id != 0, has_trace);
  mark(e.choice.score != 0, has_score);
  mark(e.choice.runner_up != 0, has_runner_up);
  mark(e.choice.source_score != 0, has_source_score);
  mark(e.choice.gain != 0, has_gain);
  mark(e.situation != 0, has_situation);
  mark(e.target_version != 0, has_version);
  mark(before >= first() && before != 0, has_before);
  auto& out = b.code;
  out += static_cast<char>(e.kind);
  put(out, has);
  const auto difference = [&](std::int64_t& before_it, std::int64_t value) {
    put_signed(out, less(value, before_it));
    before_it = value;
  };
  difference(base_.at_us, e.at / 1000);
  if (has & has_collection)
    difference(base_.collection, e.collection);
  if (has & has_replica)
    difference(base_.replica, e.replica);
  if (has & has_segment)
    difference(base_.segment, e.segment);
  if (has & has_channel)
    put(out, word(b, e.channel));
  if (has & has_node)
    difference(base_.node, e.node);
  if (has & has_source)
    difference(base_.source, e.source);
  if (has & has_task) {
    difference(base_.task, e.task);
    out += static_cast<char>(e.task_kind);
    out += static_cast<char>(e.proposer);
  }
  if (has & has_rule)
    put(out, static_cast<std::uint64_t>(e.rule));
  if (has & has_outcome)
    put(out, static_cast<std::uint64_t>(e.outcome));
  if (has & has_took)
    put_signed(out, less(less(e.took_us, e.waited_us), e.worked_us)); // mostly next to nothing
  if (has & has_work) {
    put_signed(out, e.waited_us);
    put_signed(out, e.worked_us);
  }
  if (has & has_text)
    put(out, word(b, e.text));
  if (has & has_trace) {
    put(out, e.trace_id ^ base_.trace_id);
    base_.trace_id = e.trace_id;
  }
  if (has & has_score)
    put_score(out, e.choice.score);
  if (has & has_runner_up) {
    put_signed(out, less(e.choice.runner_up, e.node));
    put_score(out, e.choice.runner_up_score);
  }
  if (has & has_source_score)
    put_score(out, e.choice.source_score);
  if (has & has_gain)
    put_score(out, e.choice.gain);
  if (has & has_situation) {
    put_signed(out, less(static_cast<std::int64_t>(e.situation), static_cast<std::int64_t>(base_.situation)));
    base_.situation = e.situation;
  }
  if (has & has_version)
    difference(base_.target_version, e.target_version);
  if (has & has_before)
    put(out, next_ - before);
  if (slot)
    heads_[*slot] = next_;
  ++b.count;
  if (e.kind == schema::EventKind::TASK_ADMITTED) {
    ++b.decisions;
    ++decisions_;
  }
  const auto number = next_++;
  trim();
  return number;
}

void event_log::trim() {
  while (blocks_.size() > 1
         && (decisions_ - blocks_.front().decisions >= most_decisions_ || bytes() > most_bytes_)) {
    const auto& oldest = blocks_.front();
    decisions_ -= oldest.decisions;
    code_bytes_ -= oldest.code.size() + oldest.word_bytes + block_overhead;
    blocks_.pop_front();
  }
}

std::size_t event_log::bytes() const {
  const auto open = blocks_.empty() ? 0 : blocks_.back().code.capacity() + 2 * blocks_.back().word_bytes + block_overhead;
  return code_bytes_ + open + heads_.size() * sizeof(heads_[0]);
}

const event_log::block* event_log::block_of(std::uint64_t number) const {
  if (number < first() || number >= next_)
    return nullptr;
  auto i = std::upper_bound(blocks_.begin(), blocks_.end(), number, [](std::uint64_t n, const block& b) { return n < b.first; });
  return &*(--i);
}

std::vector<log_event> event_log::decode(const block& b, std::uint64_t up_to, std::vector<std::uint64_t>* before) {
  std::vector<log_event> events;
  const auto count = std::min<std::uint64_t>(b.count, up_to - b.first + 1);
  events.reserve(count);
  reader in{b.code};
  base last;
  for (std::uint64_t i = 0; i < count; ++i) {
    log_event& e = events.emplace_back();
    e.number = b.first + i;
    e.kind = static_cast<schema::EventKind>(in.code[in.at++]);
    const auto has = static_cast<std::uint32_t>(in.number());
    e.at = in.next(last.at_us) * 1000;
    if (has & has_collection)
      e.collection = in.next(last.collection);
    if (has & has_replica)
      e.replica = in.next(last.replica);
    if (has & has_segment)
      e.segment = in.next(last.segment);
    if (has & has_channel)
      e.channel = b.words[in.number()];
    if (has & has_node)
      e.node = in.next(last.node);
    if (has & has_source)
      e.source = in.next(last.source);
    if (has & has_task) {
      e.task = in.next(last.task);
      e.task_kind = static_cast<schema::TaskKind>(in.code[in.at++]);
      e.proposer = static_cast<schema::Proposer>(in.code[in.at++]);
    }
    if (has & has_rule)
      e.rule = static_cast<reason>(in.number());
    if (has & has_outcome)
      e.outcome = static_cast<reason>(in.number());
    if (has & has_took)
      e.took_us = in.signed_number();
    if (has & has_work) {
      e.waited_us = in.signed_number();
      e.worked_us = in.signed_number();
    }
    if (has & has_took)
      e.took_us = less(e.took_us, less(less(0, e.waited_us), e.worked_us));
    if (has & has_text)
      e.text = b.words[in.number()];
    if (has & has_trace)
      e.trace_id = last.trace_id ^= in.number();
    if (has & has_score)
      e.choice.score = in.score();
    if (has & has_runner_up) {
      e.choice.runner_up = static_cast<std::int64_t>(static_cast<std::uint64_t>(e.node) + static_cast<std::uint64_t>(in.signed_number()));
      e.choice.runner_up_score = in.score();
    }
    if (has & has_source_score)
      e.choice.source_score = in.score();
    if (has & has_gain)
      e.choice.gain = in.score();
    if (has & has_situation) {
      auto s = static_cast<std::int64_t>(last.situation);
      last.situation = e.situation = static_cast<std::uint64_t>(in.next(s));
    }
    if (has & has_version)
      e.target_version = in.next(last.target_version);
    const auto distance = has & has_before ? in.number() : 0;
    if (before != nullptr)
      before->push_back(distance == 0 ? 0 : e.number - distance);
  }
  return events;
}

std::optional<log_event> event_log::at(std::uint64_t number) const {
  const auto* b = block_of(number);
  if (b == nullptr)
    return std::nullopt;
  return std::move(decode(*b, number, nullptr).back());
}

void event_log::forward(std::uint64_t number, const std::function<bool(const log_event&)>& f) const {
  number = std::max(number, first());
  while (const auto* b = block_of(number)) {
    const auto events = decode(*b, next_, nullptr);
    for (auto i = number - b->first; i < events.size(); ++i)
      if (!f(events[i]))
        return;
    number = b->first + b->count;
  }
}

void event_log::backward(std::uint64_t number, const std::function<bool(const log_event&)>& f) const {
  number = std::min(number, next_);
  while (number > first()) {
    const auto* b = block_of(number - 1);
    const auto events = decode(*b, number - 1, nullptr);
    for (auto i = events.rbegin(); i != events.rend(); ++i)
      if (!f(*i))
        return;
    number = b->first;
  }
}

void event_log::chain(std::size_t slot, const std::function<bool(const log_event&)>& mine,
                      const std::function<bool(const log_event&)>& f) const {
  for (auto number = heads_[slot]; number != 0;) {
    const auto* b = block_of(number);
    if (b == nullptr)
      return; // forgotten
    std::vector<std::uint64_t> before;
    const auto events = decode(*b, number, &before);
    // What is further back in the same block needs no second decoding.
    while (number >= b->first) {
      const auto i = number - b->first;
      if (mine(events[i]) && !f(events[i]))
        return;
      number = before[i];
      if (number == 0)
        return;
    }
  }
}

void event_log::backward_of_segment(std::int64_t segment, const std::function<bool(const log_event&)>& f) const {
  chain(slot_of_segment(segment), [&](const log_event& e) { return e.segment == segment; }, f);
}

void event_log::backward_of_channel(std::string_view channel, const std::function<bool(const log_event&)>& f) const {
  chain(slot_of_channel(channel), [&](const log_event& e) { return e.segment == 0 && e.channel == channel; }, f);
}

} // namespace muster
