// A failure as it travels in a message, and back.
#pragma once

#include "messages/msg.hpp"
#include "messages/result.hpp"
#include "messages/schema/common.capnp.h"

#include <string>
#include <string_view>

namespace muster {

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
