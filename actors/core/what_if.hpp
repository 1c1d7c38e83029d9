// What balance would do if nodes came or went or settings were others: planned on a copy of what the situation shows, nothing is touched.
#pragma once

#include "actors/core/settings.hpp"
#include "actors/core/situation.hpp"
#include "messages/schema/inspect.capnp.h"

namespace muster {

/// Answers a request; its errors are those of WhatIfRequest. Cost: plans for the collections looked at, at most
/// limits::what_if_collections of them and limits::what_if_items segments, the largest collections first.
void write_what_if(const situation& s, const setting_table& settings, schema::WhatIfRequest::Reader request, schema::WhatIfReply::Builder out);

} // namespace muster
