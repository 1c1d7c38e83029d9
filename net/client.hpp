// The client library: calls, JSON calls, routes and searches on the caller's KJ event loop. No CAF.
#pragma once

#include "messages/limits.hpp"
#include "messages/msg.hpp"
#include "messages/result.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/node.capnp.h"
#include "messages/search_hit.hpp"

#include <kj/async-io.h>
#include <kj/timer.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace muster {

struct client_options {
  std::chrono::milliseconds call_deadline{0}; ///< For calls without one; 0: the longest that the method may take.
  std::chrono::milliseconds search_deadline = limits::search_deadline;
  std::chrono::milliseconds search_hedge = limits::search_hedge;
};

/// A search, or with `name` a look-up of all rows of that name.
struct search_query {
  std::string collection;
  std::vector<float> vectors; ///< Row by row.
  std::uint32_t dimension = 0;
  std::uint32_t k = 10;
  std::chrono::milliseconds deadline{0}; ///< 0: that of the options.
  std::string name;
};

/// A whole answer, or none with the reason.
struct search_result {
  failure why{ec::ok, {}};
  std::vector<std::vector<search_hit>> queries; ///< By (distance, id), at most k.
  std::vector<named_row> rows;                  ///< By id; only for a look-up by name.
  std::map<std::string, std::int64_t> served_versions; ///< By channel.
  std::uint32_t retries = 0;                    ///< Further attempts that were made, also by hedging.

  bool ok() const {
    return why.code == ec::ok;
  }
};

/// The status inside a reply, whatever its arm.
schema::Status::Reader status_of(schema::ClientReply::Reader reply);

/// A client of one cluster. Its destruction breaks all promises it gave out. Used by the thread of its event loop only.
class client {
public:
  client(kj::Network& network, kj::Timer& timer, std::string coordinator, client_options options = {});
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  // -- calls ------------------------------------------------------------------

  /// Sends the request of the arm that is set. The promise does not fail: what goes wrong below the request is a
  /// failure (connection_lost, deadline_exceeded), what the coordinator says is in the reply (`status_of`). Dials when
  /// needed.
  kj::Promise<result<msg<schema::ClientReply>>> call(msg<schema::ClientRequest> request);

  /// The same for JSON in and out: `method` as in interface Coordinator, camelCase or PascalCase; empty `json` is {}.
  kj::Promise<result<std::string>> call_json(std::string method, std::string json);

  /// Names that `call_json` knows.
  static std::vector<std::string> methods();

  // -- routes -----------------------------------------------------------------

  /// Keeps the routes of all collections up to date from now on; redials forever. Without it `search` starts it.
  void start_watch();

  /// The last known routes of a collection; empty when there are none.
  msg<schema::CollectionRoutes> routes(const std::string& collection) const;

  /// True while the coordinator pushes changes; false: the routes are the last known ones.
  bool routes_live() const;

  /// Called after each change of the routes.
  void on_routes(std::function<void()> hook);

  // -- searches ---------------------------------------------------------------

  /// Asks one leader of each channel, another replica when that fails or is slow. Never fails as a promise, never
  /// answers incompletely.
  kj::Promise<search_result> search(search_query query);

  /// All rows of that name.
  kj::Promise<result<std::vector<named_row>>> find(std::string collection, std::string name);

private:
  class implementation;
  kj::Own<implementation> impl_;
};

} // namespace muster
