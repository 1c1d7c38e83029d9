// What inspector knows: the log of what happened, what has gone wrong and not come right, and the answers made of both.
#pragma once

#include "actors/core/balance/policy.hpp"
#include "actors/core/change_watch.hpp"
#include "actors/core/event_log.hpp"
#include "actors/core/explanation.hpp"
#include "actors/core/settings.hpp"
#include "actors/core/situation.hpp"
#include "messages/limits.hpp"
#include "messages/result.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/inspect.capnp.h"
#include "messages/schema/state.capnp.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// The whole lists of nodes behind the last decisions, in eight bytes a node. Bounded by lists and bytes.
class candidate_lists {
public:
  void keep(std::uint64_t number, const std::vector<node_verdict>& nodes);
  /// Null: it is not (or no longer) known.
  std::optional<std::vector<node_verdict>> of(std::uint64_t number, const situation& names) const;
  std::size_t bytes() const;

private:
  struct entry {
    float score = 0;
    std::uint16_t node = 0;
    std::uint8_t verdict = 0;
  };
  static_assert(sizeof(entry) == 8);

  std::deque<std::pair<std::uint64_t, std::vector<entry>>> lists_;
  std::vector<std::int64_t> nodes_;
  std::unordered_map<std::int64_t, std::uint16_t> index_;
  std::size_t entries_ = 0;
};

/// Which events somebody wants.
struct event_filter {
  enum class subject { all, segment, channel, replica, collection, node, task, trace };
  subject about = subject::all;
  std::int64_t id = 0;
  std::string channel;
  std::uint64_t trace = 0;

  bool takes(const log_event& e) const;
};

/// Times are nanoseconds of any one steady clock; `wall` is what is to be added to it for nanoseconds since 1970.
class inspection {
public:
  /// Events are numbered from `first_number` on.
  explicit inspection(std::size_t task_limit = 0, std::uint64_t first_number = 1);

  /// A situation has come. Cost: what it touches.
  void hear(const situation& s, const touched_map& touched, std::int64_t now);
  /// Tasks began and ended. Cost: those; the nodes of a replica for limits::candidate_lists_per_s decisions.
  void news(schema::TaskNews::Reader news, const situation& s, const balance_settings& settings, std::int64_t now);
  /// Something else happened.
  void notices(schema::Notices::Reader notices, const situation& s, std::int64_t now);

  /// The filter that a request means; parameter_invalid.
  result<event_filter> filter_of(schema::ListEventsRequest::Reader request, const situation& s) const;

  /// Events that a filter takes: the last `limit` of them when `after` is 0, else the first ones behind it. `after` becomes the number
  /// up to which all was looked at. Cost: for a segment or channel its events; otherwise the log behind `after`.
  std::vector<log_event> events(const event_filter& filter, std::uint64_t& after, std::size_t limit) const;

  void write(schema::Event::Builder out, const log_event& e, const situation& s, std::int64_t wall, bool candidates) const;

  result<explanation> explain(schema::ExplainRequest::Reader request, const situation& s, const setting_table& settings,
                              std::int64_t now, schema::ExplainReply::Builder out) const;

  /// Figures of the cluster. Cost: its nodes and the collections that it names.
  void overview(const situation& s, schema::OverviewReply::Builder out) const;

  const event_log& log() const {
    return log_;
  }
  /// Events that were forgotten, or never noted because too many came at once.
  std::uint64_t lost() const {
    return lost_ + log_.forgotten();
  }
  const standing_problems& problems() const {
    return problems_;
  }
  /// Of the log and the lists behind it.
  std::size_t bytes() const {
    return log_.bytes() + lists_.bytes();
  }

private:
  void stands(const log_event& e, std::string_view name, std::int64_t now);

  event_log log_;
  change_watch watch_;
  standing_problems problems_;
  candidate_lists lists_;
  std::uint64_t lost_ = 0;
  std::int64_t second_ = 0; ///< In which `listed_` lists were made.
  std::size_t listed_ = 0;
};

} // namespace muster
