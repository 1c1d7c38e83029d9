// Faults, and the end of all faults.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include <algorithm>

namespace muster::sim {

void world::crash_soon(process& p, bool powers_off, std::int64_t restart_after) {
  if (!p.up || p.crash_after > 0)
    return;
  p.crash_after = static_cast<int>(random_.between(1, 60));
  p.crash_powers_off = powers_off;
  // It may have nothing to do: then it ends anyway.
  after(20 * ms, [this, &p, g = p.generation, powers_off] {
    if (p.up && p.generation == g)
      stop(p, powers_off, "a crash");
  });
  p.restart_after = restart_after;
}

void world::disturb() {
  if (!disturbed_)
    return;
  after(random_.between(options_.faults_every / 2, options_.faults_every * 3 / 2), [this] { disturb(); });
  const auto what = random_.pick(options_.faults);
  auto& coordinator = *processes_[0];
  auto& node = *processes_[static_cast<std::size_t>(random_.between(1, options_.nodes))];
  const auto short_or_long = [&](std::int64_t least, std::int64_t most) {
    return random_.chance(1, 2) ? random_.between(least, least + (most - least) / 16) : random_.between(least, most);
  };
  const auto places = [&] { return static_cast<int>(random_.below(processes_.size())); };
  trace("fault: ", to_string(what));
  switch (what) {
    case fault::cut:
    case fault::half_cut: {
      std::vector<std::uint64_t> standing;
      for (const auto& [id, c] : connections_)
        if (c.accepted && !c.broken && !c.ends[0].closed && !c.ends[1].closed)
          standing.push_back(id);
      if (!standing.empty())
        cut(random_.pick(standing), what == fault::cut);
      break;
    }
    case fault::isolate: {
      const auto who = places();
      const auto time = short_or_long(5 * ms, 3 * s);
      ++sums_.partitions;
      for (int other = 0; other < static_cast<int>(processes_.size()); ++other)
        if (other != who) {
          block(who, other, time);
          block(other, who, time);
        }
      break;
    }
    case fault::one_way: {
      const auto from = places();
      const auto to = places();
      if (from == to)
        break;
      ++sums_.partitions;
      block(from, to, short_or_long(5 * ms, 3 * s));
      break;
    }
    case fault::clog:
      block(places(), places(), random_.between(1 * ms, 150 * ms));
      break;
    case fault::node_crash:
    case fault::node_power:
      crash_soon(node, what == fault::node_power, short_or_long(1 * ms, 2'500 * ms));
      break;
    case fault::node_bounce:
      crash_soon(node, false, random_.between(100 * us, 5 * ms));
      if (coordinator.up && random_.chance(1, 2))
        coordinator.stalled_until = now_ + 40 * ms;
      break;
    case fault::node_pause:
      pause(node, short_or_long(5 * ms, 2'500 * ms));
      break;
    case fault::node_leave:
      if (node.up && !node.stopping && !node.paused) {
        if (hands_.chance(1, 2)) {
          drain_node(node, hands_.between(10 * ms, 2 * s));
          break;
        }
        trace(node.name, " is to leave");
        node.stopping = true;
        node.node_parts.stop();
      }
      break;
    case fault::coordinator_crash:
    case fault::coordinator_power:
      crash_soon(coordinator, what == fault::coordinator_power, short_or_long(1 * ms, 800 * ms));
      break;
    case fault::coordinator_pause:
      pause(coordinator, short_or_long(5 * ms, 1'500 * ms));
      break;
    case fault::coordinator_leave:
      if (coordinator.up && !coordinator.stopping && !coordinator.paused) {
        trace("the coordinator is to stop");
        coordinator.stopping = true;
        coordinator.coordinator_parts.stop();
      }
      break;
    case fault::stall: {
      auto& p = *processes_[static_cast<std::size_t>(places())];
      p.stalled_until = now_ + random_.between(5 * ms, 80 * ms);
      break;
    }
    case fault::disk_refuses:
      disk_faults_->refuse = static_cast<int>(random_.between(1, 3));
      break;
    case fault::disk_unknown:
      disk_faults_->unknown = 1;
      break;
    case fault::disk_cut:
      disk_faults_->cut = 1;
      break;
  }
  if (options_.ghosts && !old_orders_.empty() && random_.chance(1, 2)) {
    // An order of an earlier coordinator that was on its way for long: only the fence at the node stops it.
    for (auto& [id, c] : connections_) {
      if (c.peer || !c.accepted || c.broken || c.ends[0].closed || c.ends[1].closed)
        continue;
      auto& p = *processes_[static_cast<std::size_t>(c.ends[0].process)];
      auto i = obeyed_.find({p.index, p.generation});
      if (i == obeyed_.end() || i->second <= old_orders_epoch_)
        continue;
      trace("ghost: orders of epoch ", old_orders_epoch_, " to ", p.name);
      push(id, 0, {item::frame, old_orders_, "", false, 0});
      break;
    }
  }
}

/// As a process that was asked to end: at the latest after `patience` it does.
void world::drain_node(process& p, std::int64_t patience) {
  if (!p.up || p.stopping || p.draining)
    return;
  trace(p.name, " is to leave once it is empty");
  p.draining = true;
  p.node_parts.drain();
  after(patience, [this, &p, g = p.generation] {
    if (!p.up || p.generation != g || p.stopping)
      return;
    trace(p.name, " is not empty and leaves");
    if (&p == last_drained_)
      fail(verdict::liveness, p.name + " was asked to leave, and still holds something");
    p.stopping = true;
    p.node_parts.stop();
  });
}

void world::heal() {
  trace("healed");
  disturbed_ = false;
  healed_at_ = now_;
  *disk_faults_ = {};
  blocks_.clear();
  release_blocked();
  for (auto& p : processes_) {
    p->stalled_until = 0;
    p->sessions_stalled_until = 0;
    resume(*p);
    if (p->up && p->draining && !p->stopping) {
      p->stopping = true;
      p->node_parts.stop();
    }
    if (!p->up && !p->powered)
      p->powered = true;
    if (!p->up)
      restart_later(*p, random_.between(1 * ms, 50 * ms));
  }
  // What the system's own probes of a connection find out in the end.
  for (auto& [id, c] : connections_)
    if (c.peer && c.broken && c.accepted)
      for (int side : {0, 1})
        push(id, side, {item::closed, {}, "no sign of life from the other side", false, 0});
  settling_ = settling::waiting;
}

} // namespace muster::sim
