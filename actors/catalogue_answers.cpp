// Requests about segments and databases, each one call of the catalogue.
#include "actors/catalogue_answers.hpp"

#include "actors/core/load_terms.hpp"
#include "messages/status.hpp"

#include <map>
#include <string>
#include <vector>

namespace muster {

namespace {

using Request = schema::ClientRequest;

std::map<std::string, std::string> properties_of(capnp::List<schema::Property>::Reader list) {
  std::map<std::string, std::string> out;
  for (auto p : list)
    out[std::string{view(p.getKey())}] = std::string{view(p.getValue())};
  return out;
}

template <class Reply>
void list_segments(catalogue& data, schema::ListSegmentsRequest::Reader r, Reply out) {
  auto c = find_collection(data, view(r.getCollection()));
  if (!c)
    return set_status(out.initStatus(), c.error());
  auto page = data.segments(c->id, segment_id{r.getAfter()});
  if (!page)
    return set_status(out.initStatus(), page.error());
  out.setCollectionId(c->id.value);
  out.setNextAfter(page->next_after.value);
  auto list = out.initSegments(static_cast<unsigned>(page->segments.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    write_segment_of(page->segments[i], list[i]);
}

/// `dropping`: the segments have no index any more; otherwise each has the one it names.
template <class Asked, class Reply>
void change_indexes(catalogue& data, Asked r, bool dropping, Reply out) {
  auto c = find_collection(data, view(r.getCollection()));
  if (!c)
    return set_status(out.initStatus(), c.error());
  const std::string name{view(r.getCollection())};
  std::vector<indexed_segment> segments;
  for (auto s : r.getSegments()) {
    if (!dropping && view(s.getIndexKind()) != to_string(index_kind::hnsw))
      return set_status(out.initStatus(), ec::parameter_invalid,
                        "segment " + std::to_string(s.getId()) + " of " + name + " is to have the index \""
                          + std::string{view(s.getIndexKind())} + "\"; only hnsw can be created");
    segments.push_back({segment_id{s.getId()}, dropping ? index_kind::brute_force : index_kind::hnsw, s.getBytes()});
  }
  const failure none{ec::index_not_found, "no segment of " + name + " that was named has an index; there is nothing to drop"};
  if (dropping && segments.empty())
    return set_status(out.initStatus(), none);
  auto changed = data.change_indexes(c->id, segments);
  if (!changed)
    set_status(out.initStatus(), changed.error());
  else if (dropping && *changed == 0)
    set_status(out.initStatus(), none);
  out.setCollectionId(c->id.value);
}

void compact(catalogue& data, schema::CompactRequest::Reader r, schema::CompactReply::Builder out) {
  auto c = find_collection(data, view(r.getCollection()));
  if (!c)
    return set_status(out.initStatus(), c.error());
  catalogue_compaction what;
  what.collection = c->id;
  for (auto id : r.getReplaced())
    what.replaced.emplace_back(id);
  for (auto s : r.getSegments()) {
    what.segments.push_back(read_segment_of(s));
    if (auto why = check_place(c->id, what.segments.back()); why.code != ec::ok)
      return set_status(out.initStatus(), why);
  }
  if (auto done = data.compact(what); !done)
    set_status(out.initStatus(), done.error());
  out.setCollectionId(c->id.value);
}

template <class Reply>
void finish(const result<unit>& done, Reply out) {
  if (!done)
    set_status(out.initStatus(), done.error());
}

template <class Asked>
failure flaw_of_properties(Asked r) {
  const auto flaw = flaw_of_database_properties(r.getProperties());
  if (flaw.empty())
    return {ec::ok, {}};
  return {ec::parameter_invalid, "changing the database " + std::string{view(r.getDatabase())} + ": " + flaw};
}

void describe(const catalogue_database& from, schema::DatabaseDescription::Builder to) {
  to.setName(from.name);
  to.setCollections(static_cast<std::uint32_t>(from.collections));
  auto list = to.initProperties(static_cast<unsigned>(from.properties.size()));
  unsigned i = 0;
  for (const auto& [key, value] : from.properties) {
    list[i].setKey(key);
    list[i++].setValue(value);
  }
}

void alter(catalogue& data, schema::AlterDatabaseRequest::Reader r, schema::AlterDatabaseReply::Builder out) {
  if (auto why = flaw_of_properties(r); why.code != ec::ok)
    return set_status(out.initStatus(), why);
  std::vector<std::string> deleted;
  for (auto key : r.getDeletedKeys())
    deleted.emplace_back(view(key));
  finish(data.alter_database(view(r.getDatabase()), properties_of(r.getProperties()), deleted), out);
}

void create(catalogue& data, schema::CreateDatabaseRequest::Reader r, schema::CreateDatabaseReply::Builder out) {
  if (auto why = flaw_of_properties(r); why.code != ec::ok)
    return set_status(out.initStatus(), why);
  finish(data.create_database({std::string{view(r.getDatabase())}, properties_of(r.getProperties()), 0}), out);
}

} // namespace

result<catalogue_collection> find_collection(catalogue& data, std::string_view qualified) {
  const auto [database, name] = split_name(qualified);
  return data.find(database, name);
}

bool is_catalogue_request(Request::Which which) {
  switch (which) {
    case Request::LIST_SEGMENTS:
    case Request::CREATE_INDEX:
    case Request::DROP_INDEX:
    case Request::COMPACT:
    case Request::CREATE_DATABASE:
    case Request::ALTER_DATABASE:
    case Request::DROP_DATABASE:
    case Request::DESCRIBE_DATABASE:
    case Request::LIST_DATABASES:
      return true;
    default:
      return false;
  }
}

void answer_from_catalogue(catalogue& data, Request::Reader request, schema::ClientReply::Builder out) {
  switch (request.which()) {
    case Request::LIST_SEGMENTS:
      return list_segments(data, request.getListSegments(), out.initListSegments());
    case Request::CREATE_INDEX:
      return change_indexes(data, request.getCreateIndex(), false, out.initCreateIndex());
    case Request::DROP_INDEX:
      return change_indexes(data, request.getDropIndex(), true, out.initDropIndex());
    case Request::COMPACT:
      return compact(data, request.getCompact(), out.initCompact());
    case Request::CREATE_DATABASE:
      return create(data, request.getCreateDatabase(), out.initCreateDatabase());
    case Request::ALTER_DATABASE:
      return alter(data, request.getAlterDatabase(), out.initAlterDatabase());
    case Request::DROP_DATABASE:
      return finish(data.drop_database(view(request.getDropDatabase().getDatabase())), out.initDropDatabase());
    case Request::DESCRIBE_DATABASE: {
      auto reply = out.initDescribeDatabase();
      if (auto found = data.find_database(view(request.getDescribeDatabase().getDatabase())); found)
        describe(*found, reply.initDatabase());
      else
        set_status(reply.initStatus(), found.error());
      return;
    }
    case Request::LIST_DATABASES: {
      auto reply = out.initListDatabases();
      auto all = data.databases();
      if (!all)
        return set_status(reply.initStatus(), all.error());
      auto list = reply.initDatabases(static_cast<unsigned>(all->size()));
      for (unsigned i = 0; i < list.size(); ++i)
        describe((*all)[i], list[i]);
      return;
    }
    default:
      return set_status(out.initStatus(), ec::internal, "a request that the catalogue does not answer");
  }
}

catalogue_segment read_segment_of(schema::CatalogueSegment::Reader from) {
  catalogue_segment segment;
  segment.id = segment_id{from.getId()};
  segment.partition = partition_id{from.getPartitionId()};
  segment.channel = std::string{view(from.getChannel())};
  segment.rows = from.getRows();
  segment.bytes = from.getBytes();
  segment.file = std::string{view(from.getFile())};
  segment.index = view(from.getIndexKind()) == "hnsw" ? index_kind::hnsw : index_kind::brute_force;
  return segment;
}

void write_segment_of(const catalogue_segment& s, schema::CatalogueSegment::Builder to) {
  to.setId(s.id.value);
  to.setPartitionId(s.partition.value);
  to.setChannel(s.channel);
  to.setRows(s.rows);
  to.setBytes(s.bytes);
  to.setFile(s.file);
  to.setIndexKind(capnp::Text::Reader{to_string(s.index).data(), to_string(s.index).size()});
}

failure check_place(collection_id collection, const catalogue_segment& segment) {
  // Nodes derive the path from the collection and the segment; a file elsewhere could never be loaded.
  const auto expected = std::to_string(collection.value) + "/" + std::to_string(segment.id.value) + ".segment";
  if (segment.file == expected)
    return {ec::ok, {}};
  return {ec::parameter_invalid, "segment " + std::to_string(segment.id.value) + " is to be registered with the file "
                                   + segment.file + "; it must be " + expected + " below the store"};
}

} // namespace muster
