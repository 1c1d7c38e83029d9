// Who is in the cluster: names, incarnations, links, and when silence becomes suspicion and suspicion certainty.
#pragma once

#include "actors/core/rows.hpp"
#include "messages/limits.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// The members. Times are nanoseconds of one steady clock. Every call that changes a member returns it as it is now.
class membership {
public:
  membership(std::vector<node_row> journaled, std::chrono::nanoseconds gone_after, std::int64_t now);

  /// May a process of this name and incarnation join? old_session_exists while another incarnation of it is connected; a lower
  /// incarnation than the newest seen never may again (stale_epoch).
  failure may_join(const std::string& name, std::uint64_t incarnation) const;

  /// A node joined (its record is durable) over `link`. Returns its state; `old_link`: the link it used until now, 0 for none.
  node_row joined(const node_row& who, std::int64_t link, std::int64_t now, std::int64_t& old_link);

  /// A link is lost. Empty when it was not the member's newest. `ended`: the process is known to have ended.
  std::optional<node_row> lost(std::int64_t link, bool ended, std::int64_t now);

  /// Something was heard on a link. A member that was only silent is connected again; one that was given up as gone stays so until
  /// it joins anew. Either needs a new link.
  std::optional<node_row> heard(std::int64_t link, std::int64_t now);

  /// A node of that name asks to join, which takes until its record is durable: its time as a suspect runs anew.
  void said_hello(const std::string& name, std::int64_t now);

  /// Whoever calls `beat` was held up for so long: that was nobody's silence. Cost: the members.
  void stood_still(std::int64_t nanoseconds);

  /// A node was asked to stop and is to be drained first. Empty: known.
  std::optional<node_row> draining(std::int64_t link);

  /// A node says it ends now.
  std::optional<node_row> leaving(std::int64_t link, std::int64_t now);

  /// Once a beat: members that fell silent become suspect, suspects gone. Cost: the members.
  std::vector<node_row> beat(std::int64_t now);

  /// Links to beat on.
  std::vector<std::int64_t> links() const;

  /// The member of a link, 0: none.
  std::int64_t node_of(std::int64_t link) const;

  const node_row* find(std::int64_t node) const;

  /// When something was last heard of a member, on the clock of the calls; 0: not since the start.
  std::int64_t last_heard(std::int64_t node) const;

  /// The same of all that were heard, by id. Cost: the members.
  std::vector<std::pair<std::int64_t, std::int64_t>> all_heard() const;

  /// When the next suspect is due to be gone; beats alone are too coarse for it.
  std::optional<std::int64_t> next_gone() const;

private:
  struct member {
    node_row row;
    std::int64_t link = 0;
    std::int64_t heard_at = 0;
    std::optional<std::int64_t> suspect_at; ///< Since when it is suspect, or unknown after a start.
  };

  node_row& suspect(member& who, std::int64_t now);

  std::map<std::int64_t, member> members_;
  std::map<std::int64_t, std::int64_t> by_link_;
  std::map<std::string, std::int64_t> by_name_;
  std::int64_t gone_after_;
};

} // namespace muster
