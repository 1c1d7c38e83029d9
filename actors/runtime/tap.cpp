// The ring behind a tap, and its rate.
#include "actors/runtime/tap.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

tap::tap(std::set<std::string> types, std::size_t per_second, ignored ignore, bool replays)
  : types_(std::move(types)),
    per_second_(static_cast<double>(per_second)),
    ignore_(ignore),
    replays_(replays),
    allowance_(static_cast<double>(per_second)) {
  // nop
}

void tap::await_restart() {
  std::lock_guard guard{mutex_};
  awaits_restart_ = true;
}

void tap::taken_over() {
  std::lock_guard guard{mutex_};
  awaits_restart_ = false;
}

void tap::put(tapped_message m) {
  std::lock_guard guard{mutex_};
  if (awaits_restart_)
    return;
  if ((!types_.empty() && !types_.contains(m.type)) || (ignore_ != nullptr && ignore_(m)))
    return;
  // A second's worth may come at once.
  if (counted_at_ != 0)
    allowance_ = std::min(per_second_, allowance_ + per_second_ * static_cast<double>(m.at - counted_at_) / 1e9);
  counted_at_ = m.at;
  if (!replays_
      && (allowance_ < 1 || held_.size() >= limits::tap_messages || m.bytes > limits::tap_reply_bytes
          || bytes_ + m.bytes > limits::tap_bytes)) {
    ++left_out_;
    return;
  }
  allowance_ -= 1;
  m.number = ++last_;
  bytes_ += m.bytes;
  held_.push_back(std::move(m));
}

std::vector<tapped_message> tap::read(std::uint64_t after, std::size_t most, std::size_t bytes) {
  std::lock_guard guard{mutex_};
  while (!held_.empty() && held_.front().number <= after) {
    bytes_ -= held_.front().bytes;
    held_.pop_front();
  }
  std::vector<tapped_message> out;
  std::size_t sum = 0;
  for (const auto& m : held_) {
    sum += m.bytes;
    if (out.size() == most || (!out.empty() && sum > bytes))
      break;
    out.push_back(m);
  }
  return out;
}

std::uint64_t tap::left_out() const {
  std::lock_guard guard{mutex_};
  return left_out_;
}

} // namespace muster
