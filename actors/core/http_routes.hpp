// What is asked over HTTP: paths and parameters as requests of clients, errors as statuses, and who is let in.
#pragma once

#include "actors/core/json.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// A request; headers that were not sent are empty.
struct http_call {
  std::string_view verb;
  std::string_view target; ///< Path and query, as sent.
  std::string_view host;
  std::string_view origin;
  std::string_view site; ///< Sec-Fetch-Site.
  std::string_view content_type;
  std::string_view body;
  std::uint16_t port = 0; ///< That the door listens on.
};

/// What is written.
struct http_answer {
  unsigned status = 200;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body;
};

inline constexpr std::string_view json_type = "application/json";

/// {"code":..,"name":..,"reason":..,"retriable":..} under the status of the code.
http_answer error_answer(const failure& why);
http_answer error_answer(unsigned status, const failure& why);
http_answer json_answer(std::string body);

/// The HTTP status of an error of the coordinator.
unsigned http_status(ec code);

/// What has to be done for an answer.
enum class http_need {
  answer,    ///< Nothing: it is there.
  method,    ///< A request to the coordinator, whose reply is shown in `shape`.
  debug,     ///< GetMetrics, once the collection is known.
  search,
  openapi,
  page,      ///< A file of the console in the browser: `parameters` is its path.
  health,
  readiness,
  metrics,
  events,
};

/// How the reply of a method is shown.
enum class http_shape {
  reply,        ///< As it is.
  actors,       ///< Its list of actors.
  ok,           ///< {"msg":"OK"}, as the model says.
  balance,      ///< The same, with "status".
  nodes,        ///< "nodeInfos".
  distribution, ///< "channel_names", "sealed_segmentIDs".
};

struct http_plan {
  http_need need = http_need::answer;
  http_answer answer;
  std::string method;     ///< Of ClientRequest.
  std::string parameters; ///< JSON. Of debug: those of GetMetrics without the collection.
  http_shape shape = http_shape::reply;
  std::string action;     ///< Of the model's paths: what cannot be done when it fails ("suspend node"); empty: errors are Muster's.
  std::string collection; ///< Of debug: a name or an id; empty: all.
  std::uint64_t after = 0; ///< Of events: the number of the last one known.
};

/// One parameter of a query or form.
struct http_parameter {
  std::string_view name;
  std::string_view meaning;
  enum class type { text, number, boolean } kind;
  bool needed = false;
  std::string_view field = {}; ///< Of the request that it becomes; empty: it is no field.
};

/// A path of the door, beside /v1/METHOD.
struct http_route {
  std::string_view path;
  std::string_view verbs; ///< "GET", "POST" or "GET, POST"; HEAD goes with GET.
  http_need need;
  std::string_view meaning;
  std::string_view method = {}; ///< Of ClientRequest; of debug: the type of GetMetrics.
  http_shape shape = http_shape::reply;
  std::string_view action = {};
  std::vector<http_parameter> parameters = {};
};

std::span<const http_route> http_routes();

/// Checks who asks (Host, Origin), what and how. `read_only`: what changes something is refused. `last_event` is Last-Event-ID.
http_plan plan_of(const http_call& call, bool read_only, std::string_view last_event = {});

/// The answer for a method that failed, as its path says it.
http_answer failed_answer(const http_plan& plan, const failure& why);

/// True for localhost, an address of 127.0.0.0/8 and [::1], with this port.
bool is_own_host(std::string_view host, std::uint16_t port);

} // namespace muster
