// A failure as it travels in a message, and back.
#pragma once

#include "messages/msg.hpp"
#include "messages/result.hpp"
#include "messages/schema/common.capnp.h"

#include <string>
#include <string_view>

namespace muster {

/// True when the same request may succeed later without anybody doing anything else.
constexpr bool is_retriable(ec code) {
  switch (code) {
    case ec::too_many_requests:
    case ec::service_not_ready:
    case ec::channel_not_available:
    case ec::connection_lost:
    case ec::collection_not_fully_loaded:
    case ec::collection_on_recovering:
    case ec::resource_group_service_available:
    case ec::stale_premise:
      return true;
    default:
      return false;
  }
}

/// Fills a status from a code and its text.
inline void set_status(schema::Status::Builder status, ec code, std::string_view reason) {
  status.setCode(static_cast<std::uint16_t>(code));
  auto name = to_string(code);
  status.setName(capnp::Text::Reader{name.data(), name.size()});
  if (!reason.empty())
    status.setReason(capnp::Text::Reader{std::string{reason}.c_str()});
  status.setRetriable(is_retriable(code));
}

inline void set_status(schema::Status::Builder status, const failure& why) {
  set_status(status, why.code, why.text);
}

/// The failure behind a status; code ok when there is none.
inline failure to_failure(schema::Status::Reader status) {
  return failure{static_cast<ec>(status.getCode()), std::string{view(status.getReason())}};
}

} // namespace muster
