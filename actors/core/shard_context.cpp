// Shards looked up once for many segments.
#include "actors/core/shard_context.hpp"

#include <algorithm>

namespace muster {

shard_context::shard_context(const situation& s, const collection_view& view) {
  const auto& desired = *view.desired;
  channels_ = view.head ? view.head->channels.size() : 0;
  shards_.resize(desired.replicas.size() * channels_);
  known_.resize(desired.replicas.size());
  view.each_channel_task([&](const task_row& t) { serving_ = serving_ || sets_up_shard(t.kind); });
  for (std::size_t r = 0; r < desired.replicas.size(); ++r) {
    const auto& replica = desired.replicas[r];
    known_[r] = s.all_known(replica);
    for (std::size_t c = 0; c < channels_; ++c) {
      auto& mine = shards_[r * channels_ + c];
      const auto& channel = view.head->channels[c];
      mine.leader = view.leader(replica, channel);
      mine.usable = mine.leader != nullptr && s.usable(mine.leader->node);
      const auto* t = view.task_on(replica.id, channel);
      mine.serving = t != nullptr && sets_up_shard(t->kind);
    }
  }
}

const shard_context::shard& shard_context::at(std::size_t replica, std::size_t channel) const {
  return channel < channels_ ? shards_[replica * channels_ + channel] : none_;
}

bool nothing_known(const situation& s, const collection_row& desired) {
  return !desired.replicas.empty()
         && std::none_of(desired.replicas.begin(), desired.replicas.end(), [&](const replica_row& r) { return s.all_known(r); });
}

shard_state shard_state_of(const situation& s, const collection_view& view) {
  shard_state state;
  if (view.head) {
    state.current = view.head->current;
    state.next = view.head->next;
  }
  state.delegators = view.delegators;
  view.each_channel_task([&](const task_row& t) { state.channel_tasks.emplace_back(t.replica, t.channel, t.kind); });
  if (view.desired)
    state.revision = view.desired->revision;
  state.node_changes = s.node_changes();
  return state;
}

} // namespace muster
