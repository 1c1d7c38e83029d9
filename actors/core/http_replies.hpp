// What is read from requests over HTTP beyond their paths, and how replies of methods are shown.
#pragma once

#include "actors/core/http_routes.hpp"
#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/http.capnp.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

/// A search as the body of a request. parameter_invalid, parameter_missing.
result<msg<schema::HttpSearchRequest>> read_search(std::string_view json);

http_answer search_answer(schema::HttpSearchReply::Reader found);

/// The reply of the plan's method in the plan's shape; its failure, too.
http_answer reply_answer(const http_plan& plan, schema::ClientReply::Reader reply);

/// Events as server-sent events: the id is the number, the data is the event as JSON. Empty when there are none.
std::string events_text(schema::ListEventsReply::Reader events);

/// The parameters of ListEvents for a stream; `wait_ms`: until there is one.
std::string events_parameters(std::uint64_t after, std::int64_t wait_ms);

/// The parameters of GetMetrics for a plan of `debug`; collection 0: all.
std::string metrics_parameters(const http_plan& plan, std::int64_t collection);

} // namespace muster
