// Searches of a client: a leader for each channel, one retry on another replica, a whole answer or none. No CAF.
#pragma once

#include "net/client.hpp"
#include "net/remote.hpp"
#include "net/route_watch.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace muster::net {

/// The nodes a client talks to, and its searches.
class searcher final : private kj::TaskSet::ErrorHandler {
public:
  searcher(kj::Network& network, kj::Timer& timer, route_watch& routes, client_options options,
           std::string coordinator);

  kj::Promise<search_result> search(search_query query);

private:
  using channel_reply = result<msg<schema::SearchReply>>;

  /// A node; `down_at`: the route update under which it was found unreachable, 0 when it is not.
  struct node {
    kj::Own<remote> link;
    std::uint64_t down_at = 0;
    bool redialling = false;
  };

  struct request {
    search_query query;
    kj::TimePoint until = kj::origin<kj::TimePoint>();
    std::uint32_t retries = 0;
  };

  /// The attempts for one channel of one search; the first good answer wins.
  struct race final : kj::TaskSet::ErrorHandler {
    race() : tasks(*this) {
      // nop
    }
    void taskFailed(kj::Exception&&) override {
      // Tasks report through `done`.
    }
    std::shared_ptr<request> of;
    std::string channel;
    unsigned sent = 0;                          ///< Attempts that reached a node.
    std::set<std::string> open;                 ///< Addresses that have yet to answer.
    std::map<std::string, std::uint64_t> tried; ///< Addresses that failed, and in which state of the routes.
    failure last{ec::ok, {}};
    bool waits = false;
    kj::Own<kj::PromiseFulfiller<channel_reply>> done;
    kj::TaskSet tasks;
  };

  kj::Promise<void> wait_for_routes(std::shared_ptr<request> r, kj::TimePoint until);
  kj::Promise<channel_reply> ask_channel(std::shared_ptr<request> r, std::string channel);
  /// Starts one more attempt, if a leader is there for it.
  bool attempt(race& x);
  /// After a failed attempt: another one, or the end, or wait for better routes.
  void go_on(race& x);
  void answered(race& x, const std::string& address, msg<schema::SearchReply> reply);
  void failed(race& x, const std::string& address, failure why);
  std::string choose(const race& x);
  node& node_at(const std::string& address);
  void down(const std::string& address);
  kj::Promise<void> redial(std::string address);
  search_result merge(const request& r, const std::vector<std::string>& channels, kj::ArrayPtr<channel_reply> replies);
  failure no_leader(const race& x) const;
  void taskFailed(kj::Exception&&) override {
    // A redial that was given up.
  }

  kj::Network& network_;
  kj::Timer& timer_;
  route_watch& routes_;
  client_options options_;
  std::string coordinator_;
  std::map<std::string, node> nodes_;
  std::map<std::string, std::size_t> turn_; ///< Round robin, by collection and channel.
  kj::TaskSet tasks_;
};

} // namespace muster::net
