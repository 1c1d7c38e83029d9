// The catalogue behind messages.
#include "actors/data_source.hpp"

#include "actors/catalogue_answers.hpp"
#include "actors/runtime/shell.hpp"
#include "persistence/segment_file.hpp"

#include <filesystem>

namespace muster {

namespace {

struct data_shell : shell<data_source_actor, data_shell> {
  explicit data_shell(self_pointer ptr) : shell(ptr, "data_source", "data_source", "supervisor") {
    // nop
  }

  m<schema::DataReply> data(const m<schema::DataRequest>& request) {
    auto r = request.read();
    if (r.isDescribe())
      return describe_data(view(r.getDescribe()));
    if (r.isDropped())
      return dropped(data_->dropped(segment_id{r.getDropped()}), true);
    if (r.isDeleteFiles())
      return delete_files(r.getDeleteFiles());
    auto page = data_->segments(collection_id{r.getSegments().getCollection()}, segment_id{r.getSegments().getAfter()});
    return make<schema::DataReply>([&](schema::DataReply::Builder b) {
      if (!page) {
        set_status(b.initStatus(), page.error());
        return;
      }
      auto out = b.initSegments();
      out.setNextAfter(page->next_after.value);
      auto list = out.initSegments(static_cast<unsigned>(page->segments.size()));
      for (unsigned i = 0; i < page->segments.size(); ++i)
        write_segment_of(page->segments[i], list[i]);
    });
  }

  m<schema::ClientReply> client(const m<schema::ClientRequest>& request) {
    auto r = request.read();
    if (is_catalogue_request(r.which()))
      return make<schema::ClientReply>([&](schema::ClientReply::Builder b) { answer_from_catalogue(*data_, r, b); });
    switch (r.which()) {
      case schema::ClientRequest::REGISTER_IMPORT:
        return register_import(r.getRegisterImport());
      case schema::ClientRequest::DESCRIBE_COLLECTION:
        return describe(view(r.getDescribeCollection().getCollection()));
      case schema::ClientRequest::LIST_COLLECTIONS:
        return list();
      case schema::ClientRequest::DROP_COLLECTION:
        return drop(view(r.getDropCollection().getCollection()));
      case schema::ClientRequest::CREATE_PARTITION:
        return create_partition(r.getCreatePartition());
      case schema::ClientRequest::DROP_PARTITION:
        return drop_partition(r.getDropPartition());
      default:
        return make<schema::ClientReply>([&](auto b) {
          set_status(b.initStatus(), ec::internal, "data_source was asked what it does not answer");
        });
    }
  }

  std::shared_ptr<catalogue> data_;
  std::string store;

private:
  m<schema::DataReply> describe_data(std::string_view name) {
    auto c = find_collection(*data_, name);
    return make<schema::DataReply>([&](schema::DataReply::Builder b) {
      if (!c) {
        set_status(b.initStatus(), c.error());
        return;
      }
      auto partitions = data_->partitions(c->id);
      auto database = data_->find_database(c->database);
      if (!partitions || !database) {
        set_status(b.initStatus(), partitions ? database.error() : partitions.error());
        return;
      }
      auto out = b.initCollection();
      out.setId(c->id.value);
      out.setDatabase(c->database);
      out.setName(qualified_name(c->database, c->name));
      out.setMetric(std::string{to_string(c->metric)});
      out.setDimension(c->dimension);
      auto channels = out.initChannels(static_cast<unsigned>(c->channels.size()));
      for (unsigned i = 0; i < c->channels.size(); ++i)
        channels.set(i, c->channels[i]);
      auto list = out.initPartitions(static_cast<unsigned>(partitions->size()));
      for (unsigned i = 0; i < partitions->size(); ++i)
        list.set(i, (*partitions)[i].id.value);
      auto names = out.initPartitionNames(static_cast<unsigned>(partitions->size()));
      for (unsigned i = 0; i < partitions->size(); ++i)
        names.set(i, (*partitions)[i].name);
      const auto write = [](const std::map<std::string, std::string>& from, auto to) {
        unsigned k = 0;
        for (const auto& [key, value] : from) {
          to[k].setKey(key);
          to[k++].setValue(value);
        }
      };
      write(c->properties, out.initProperties(static_cast<unsigned>(c->properties.size())));
      write(database->properties, out.initDatabaseProperties(static_cast<unsigned>(database->properties.size())));
      out.setFolder(std::to_string(c->id.value));
    });
  }

  m<schema::ClientReply> register_import(schema::RegisterImportRequest::Reader r) {
    if (r.getMore().size() > 0)
      return register_imports(r);
    auto done = parse_import(r);
    result<catalogue_collection> made = done ? data_->register_import(*done) : result<catalogue_collection>{done.error()};
    if (made)
      info("registered ", r.getSegments().size(), " segments of collection ", made->name);
    return make<schema::ClientReply>([&](auto b) {
      auto out = b.initRegisterImport();
      if (made)
        out.setCollectionId(made->id.value);
      else
        set_status(out.initStatus(), made.error());
    });
  }

  m<schema::ClientReply> register_imports(schema::RegisterImportRequest::Reader r) {
    std::vector<catalogue_import> all;
    std::size_t segments = 0;
    const auto add = [&](schema::RegisterImportRequest::Reader one) -> failure {
      auto what = parse_import(one);
      if (!what)
        return what.error();
      segments += what->segments.size();
      if (segments > limits::import_segments)
        return {ec::parameter_invalid, "the collections of one request have more than " + std::to_string(limits::import_segments)
                                         + " segments; ask for fewer at a time"};
      if (what->append)
        return {ec::parameter_invalid, "of several imports in one request each makes a new collection; append to "
                                         + what->collection.name + " by itself"};
      all.push_back(std::move(*what));
      return {ec::ok, {}};
    };
    auto why = add(r);
    for (auto one : r.getMore())
      if (why.code == ec::ok)
        why = add(one);
    if (why.code == ec::ok)
      if (auto made = data_->register_imports(all); !made)
        why = made.error();
    if (why.code == ec::ok)
      info("registered ", segments, " segments of ", all.size(), " collections");
    return make<schema::ClientReply>([&](auto b) {
      auto out = b.initRegisterImport();
      set_status(out.initStatus(), why);
      if (why.code == ec::ok)
        out.setCollectionId(all.front().collection.id.value);
    });
  }

  static result<catalogue_import> parse_import(schema::RegisterImportRequest::Reader r) {
    catalogue_import what;
    what.append = r.getAppend();
    auto& c = what.collection;
    c.id = collection_id{r.getCollectionId()};
    if (r.getDatabase().size() > 0)
      c.database = std::string{view(r.getDatabase())};
    c.name = std::string{view(r.getName())};
    auto metric = metric_from(view(r.getMetric()));
    if (!metric)
      return metric.error();
    c.metric = *metric;
    c.dimension = r.getDimension();
    c.has_names = r.getHasNames();
    for (auto channel : r.getChannels())
      c.channels.emplace_back(view(channel));
    for (auto p : r.getProperties())
      c.properties[std::string{view(p.getKey())}] = std::string{view(p.getValue())};
    c.fields.push_back({1, "id", "int64", 0});
    c.fields.push_back({2, "vector", "float_vector", c.dimension});
    if (c.has_names)
      c.fields.push_back({3, "name", "text", 0});
    if (r.getPartition().size() > 0)
      what.partition_name = std::string{view(r.getPartition())};
    what.partition = partition_id{r.getPartitionId()};
    what.default_partition = partition_id{r.getDefaultPartitionId()};
    for (auto s : r.getSegments()) {
      auto segment = read_segment_of(s);
      if (auto why = check_place(c.id, segment); why.code != ec::ok)
        return why;
      what.segments.push_back(std::move(segment));
    }
    return what;
  }

  result<unit> fill(schema::CollectionDescription::Builder out, const catalogue_collection& c) {
    auto partitions = data_->partitions(c.id);
    if (!partitions)
      return partitions.error();
    auto totals = data_->totals_of(c.id);
    if (!totals)
      return totals.error();
    out.setId(c.id.value);
    out.setDatabase(c.database);
    out.setName(c.name);
    out.setMetric(std::string{to_string(c.metric)});
    out.setDimension(c.dimension);
    out.setHasNames(c.has_names);
    auto channels = out.initChannels(static_cast<unsigned>(c.channels.size()));
    for (unsigned i = 0; i < c.channels.size(); ++i)
      channels.set(i, c.channels[i]);
    auto list = out.initPartitions(static_cast<unsigned>(partitions->size()));
    for (unsigned i = 0; i < partitions->size(); ++i) {
      list[i].setId((*partitions)[i].id.value);
      list[i].setName((*partitions)[i].name);
    }
    out.setRows(totals->rows);
    out.setSegments(totals->segments);
    out.setBytes(totals->bytes);
    auto properties = out.initProperties(static_cast<unsigned>(c.properties.size()));
    unsigned i = 0;
    for (const auto& [key, value] : c.properties) {
      properties[i].setKey(key);
      properties[i++].setValue(value);
    }
    return unit{};
  }

  m<schema::ClientReply> describe(std::string_view name) {
    auto c = find_collection(*data_, name);
    return make<schema::ClientReply>([&](schema::ClientReply::Builder b) {
      auto out = b.initDescribeCollection();
      if (!c)
        set_status(out.initStatus(), c.error());
      else if (auto filled = fill(out.initCollection(), *c); !filled)
        set_status(out.initStatus(), filled.error());
    });
  }

  m<schema::ClientReply> list() {
    auto all = data_->list();
    return make<schema::ClientReply>([&](schema::ClientReply::Builder b) {
      auto out = b.initListCollections();
      if (!all) {
        set_status(out.initStatus(), all.error());
        return;
      }
      auto collections = out.initCollections(static_cast<unsigned>(all->size()));
      for (unsigned i = 0; i < all->size(); ++i)
        if (auto filled = fill(collections[i], (*all)[i]); !filled)
          set_status(out.initStatus(), filled.error());
    });
  }

  /// The catalogue no longer names them, so a file that stays behind is only space.
  void remove_files(std::string_view what, std::string_view name, const std::vector<std::string>& files) {
    if (store.empty())
      return;
    for (const auto& file : files) {
      if (auto removed = remove_segment(store, file); !removed)
        warn("a file of the dropped ", what, " ", name, " stays: ", removed.error().text);
      std::error_code ignored; // Its folder goes with the last file in it.
      std::filesystem::remove(std::filesystem::path{store + "/" + file}.parent_path(), ignored);
    }
  }

  m<schema::DataReply> dropped(const result<std::vector<dropped_segment>>& all, bool paged) {
    return make<schema::DataReply>([&](schema::DataReply::Builder b) {
      if (!all) {
        set_status(b.initStatus(), all.error());
        return;
      }
      auto out = b.initDropped();
      auto list = out.initSegments(static_cast<unsigned>(all->size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        list[i].setId((*all)[i].id.value);
        list[i].setCollection((*all)[i].collection.value);
      }
      if (paged && all->size() == limits::catalogue_page_segments)
        out.setNextAfter(all->back().id.value);
    });
  }

  m<schema::DataReply> delete_files(capnp::List<std::int64_t>::Reader ids) {
    std::vector<segment_id> asked;
    for (auto id : ids)
      asked.emplace_back(id);
    auto all = data_->find_dropped(asked);
    if (!all)
      return dropped(all, false);
    std::vector<segment_id> gone;
    std::vector<dropped_segment> left;
    for (const auto& segment : *all) {
      auto removed = store.empty() ? result<unit>{unit{}} : remove_segment(store, segment.file);
      if (removed) {
        gone.push_back(segment.id);
        continue;
      }
      warn("files of the replaced segment ", to_string(segment.id), " stay until the next start: ", removed.error().text);
      left.push_back(segment);
    }
    info("deleted the files of ", gone.size(), " replaced segments");
    // One that is forgotten too late is only deleted again.
    if (auto forgotten = data_->forget_dropped(gone); !forgotten)
      warn("replaced segments whose files are gone are still remembered: ", forgotten.error().text);
    return dropped(left, false);
  }

  m<schema::ClientReply> create_partition(schema::CreatePartitionRequest::Reader r) {
    auto c = find_collection(*data_, view(r.getCollection()));
    auto made = c ? data_->create_partition(c->id, std::string{view(r.getPartition())}, partition_id{r.getPartitionId()})
                  : result<catalogue_partition>{c.error()};
    return make<schema::ClientReply>([&](auto b) {
      auto out = b.initCreatePartition();
      if (made)
        out.setPartitionId(made->id.value);
      else
        set_status(out.initStatus(), made.error());
    });
  }

  m<schema::ClientReply> drop_partition(schema::DropPartitionRequest::Reader r) {
    auto c = find_collection(*data_, view(r.getCollection()));
    auto files = c ? data_->drop_partition(c->id, view(r.getPartition())) : result<std::vector<std::string>>{c.error()};
    if (files) {
      info("dropped partition ", view(r.getPartition()), " of collection ", c->name, " with ", files->size(), " segments");
      remove_files("partition", view(r.getPartition()), *files);
    }
    return make<schema::ClientReply>([&](auto b) {
      auto out = b.initDropPartition();
      if (!files)
        set_status(out.initStatus(), files.error());
    });
  }

  m<schema::ClientReply> drop(std::string_view name) {
    auto c = find_collection(*data_, name);
    result<std::vector<std::string>> files = c ? data_->drop_collection(c->id) : result<std::vector<std::string>>{c.error()};
    if (files) {
      info("dropped collection ", name, " with ", files->size(), " segments");
      remove_files("collection", name, *files);
    }
    return make<schema::ClientReply>([&](auto b) {
      auto out = b.initDropCollection();
      if (!files)
        set_status(out.initStatus(), files.error());
    });
  }
};

data_source_actor::behavior_type data_behavior(data_source_actor::stateful_pointer<data_shell> self,
                                               std::shared_ptr<catalogue> data, const std::string& store) {
  auto& s = self->state;
  s.data_ = std::move(data);
  s.store = store;
  return {s.on(&data_shell::data), s.on(&data_shell::client)};
}

} // namespace

data_source_actor spawn_data_source(caf::actor_system& system, std::shared_ptr<catalogue> data, std::string store) {
  if (detach_blocking(system))
    return system.spawn<caf::detached>(data_behavior, std::move(data), std::move(store));
  return system.spawn(data_behavior, std::move(data), std::move(store));
}

} // namespace muster
