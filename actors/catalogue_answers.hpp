// What the catalogue answers to requests about segments and databases.
#pragma once

#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/state.capnp.h"
#include "persistence/catalogue.hpp"

#include <string_view>

namespace muster {

/// By what requests call it. collection_not_found, database_not_found.
result<catalogue_collection> find_collection(catalogue& data, std::string_view qualified);

/// True for a request that answer_from_catalogue answers.
bool is_catalogue_request(schema::ClientRequest::Which which);

/// ListSegments, CreateIndex, DropIndex, Compact, and those about databases.
void answer_from_catalogue(catalogue& data, schema::ClientRequest::Reader request, schema::ClientReply::Builder out);

/// A segment of a request, or of a page.
catalogue_segment read_segment_of(schema::CatalogueSegment::Reader from);
void write_segment_of(const catalogue_segment& segment, schema::CatalogueSegment::Builder to);

/// parameter_invalid when its file is not where nodes look for it.
failure check_place(collection_id collection, const catalogue_segment& segment);

} // namespace muster
