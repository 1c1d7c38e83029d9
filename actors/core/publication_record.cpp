// Publications written out and read back.
#include "actors/core/publication_record.hpp"

#include "actors/core/change_set.hpp"
#include "actors/core/collection_view.hpp"
#include "actors/core/rows.hpp"
#include "actors/core/situation.hpp"

#include <cstring>
#include <functional>
#include <limits>
#include <map>

namespace muster {

namespace {

using schema::ChunkKind;

constexpr std::int64_t form = 1; // of `about`; grows with each change

msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<load_failure>& failures) {
  return build<schema::Chunk>([&](schema::Chunk::Builder b) {
    auto out = b.initFailures();
    out.setCollection(collection);
    auto list = out.initFailures(static_cast<unsigned>(failures.size()));
    for (unsigned i = 0; i < failures.size(); ++i) {
      list[i].setCode(static_cast<std::uint16_t>(failures[i].code));
      list[i].setCount(failures[i].count);
      list[i].setText(failures[i].text);
      list[i].setAt(failures[i].at);
    }
  });
}

using each_part = std::function<void(ChunkKind, std::int64_t, const msg<schema::Chunk>&)>;

/// All of a view, as the chunks that it was made of.
void each_chunk_of(std::int64_t collection, const collection_view& v, const each_part& f) {
  if (v.desired)
    f(ChunkKind::COLLECTION, 0, muster::chunk_of(*v.desired));
  if (v.head)
    f(ChunkKind::TARGET_HEAD, 0, muster::chunk_of(*v.head));
  v.each_chunk(f);
  if (!v.delegators.empty())
    f(ChunkKind::DELEGATORS, 0, muster::chunk_of(collection, std::vector<delegator_row>(v.delegators.begin(), v.delegators.end())));
  if (!v.tasks.empty())
    f(ChunkKind::TASKS, 0, muster::chunk_of(collection, v.tasks.rows()));
  if (!v.failures.empty())
    f(ChunkKind::FAILURES, 0, chunk_of(collection, std::vector<load_failure>(v.failures.begin(), v.failures.end())));
}

class number_writer {
public:
  void operator()(std::int64_t n) {
    out.append(reinterpret_cast<const char*>(&n), sizeof n);
  }

  template <class Ids>
  void list(const Ids& ids) {
    (*this)(static_cast<std::int64_t>(ids.size()));
    for (auto id : ids)
      (*this)(id);
  }

  std::string out;
};

/// Reads what is there; past the end zeros, and `whole` is false.
class number_reader {
public:
  explicit number_reader(std::string_view from) : rest_(from) {
    // nop
  }

  std::int64_t operator()() {
    std::int64_t n = 0;
    if (rest_.size() < sizeof n) {
      whole = false;
      rest_ = {};
      return 0;
    }
    std::memcpy(&n, rest_.data(), sizeof n);
    rest_.remove_prefix(sizeof n);
    return n;
  }

  /// A number of things that follow: never more than there can be.
  std::int64_t count() {
    const auto n = (*this)();
    if (n >= 0 && static_cast<std::uint64_t>(n) <= rest_.size() / sizeof n)
      return n;
    whole = false;
    return 0;
  }

  bool done() const {
    return rest_.empty();
  }

  bool whole = true;

private:
  std::string_view rest_;
};

failure malformed(const std::string& what) {
  return {ec::malformed_frame, "a recorded publication that cannot be read: " + what};
}

} // namespace

std::size_t recorded_bytes(const publication& p) {
  auto sum = p.header.bytes().size();
  for (const auto& c : p.chunks)
    sum += c.bytes().size();
  for (const auto& [id, view] : p.views)
    if (view)
      view->each_chunk([&](ChunkKind, std::int64_t, const msg<schema::Chunk>& c) { sum += c.bytes().size(); });
  return sum;
}

publication_bytes write(const publication& p) {
  publication_bytes out;
  number_writer about;
  out.frames.emplace_back(p.header.bytes());
  for (const auto& c : p.chunks)
    out.frames.emplace_back(c.bytes());
  about(form);
  about(p.touched ? static_cast<std::int64_t>(p.touched->size()) : -1);
  if (p.touched)
    for (const auto& [id, ids] : *p.touched) {
      about(id);
      about(ids.whole ? 1 : 0);
      about.list(ids.segments);
    }
  about(static_cast<std::int64_t>(p.loads.size()));
  for (const auto& [node, load] : p.loads)
    for (auto n : {node, load.rows, load.bytes, load.segments, load.channels, load.rows_in_flight, load.segments_in_flight,
                   load.channels_in_flight, static_cast<std::int64_t>(load.failing)})
      about(n);
  about(p.target_segments);
  about(p.unheard ? 1 : 0);
  if (p.unheard)
    about.list(*p.unheard);
  about(static_cast<std::int64_t>(p.views.size()));
  for (const auto& [id, view] : p.views) {
    about(id);
    std::vector<std::int64_t> parts;
    if (view)
      each_chunk_of(id, *view, [&](ChunkKind kind, std::int64_t key, const msg<schema::Chunk>& c) {
        parts.push_back(static_cast<std::int64_t>(kind));
        parts.push_back(key);
        out.frames.emplace_back(c.bytes());
      });
    about(view ? 1 : 0);
    about.list(parts);
  }
  out.about = std::move(about.out);
  return out;
}

result<publication> read_publication(const std::vector<std::string_view>& frames, std::string_view about) {
  if (frames.empty())
    return malformed("it has no header");
  publication p;
  auto header = parse<schema::PublicationHeader>(frames[0]);
  if (!header)
    return header.error();
  p.header = std::move(*header);
  std::size_t next = 1;
  const auto chunk = [&](msg<schema::Chunk>& to) -> result<unit> {
    if (next == frames.size())
      return malformed("chunks are missing");
    auto parsed = parse<schema::Chunk>(frames[next++]);
    if (!parsed)
      return parsed.error();
    to = std::move(*parsed);
    return unit{};
  };
  for (unsigned i = 0; i < p.header->getChunks().size(); ++i)
    if (auto done = chunk(p.chunks.emplace_back()); !done)
      return done.error();
  number_reader number{about};
  if (number() != form)
    return malformed("it was written by another version");
  const auto touched = number();
  if (touched >= 0) {
    auto map = std::make_shared<touched_map>();
    for (std::int64_t i = 0; i < touched && number.whole; ++i) {
      auto& ids = (*map)[number()];
      ids.whole = number() != 0;
      for (auto n = number.count(); n > 0; --n)
        ids.segments.insert(number());
    }
    p.touched = std::move(map);
  }
  for (auto n = number.count(); n > 0; --n) {
    const auto node = number();
    node_load load;
    for (auto* to : {&load.rows, &load.bytes, &load.segments, &load.channels, &load.rows_in_flight, &load.segments_in_flight,
                     &load.channels_in_flight})
      *to = number();
    load.failing = static_cast<std::uint32_t>(number());
    p.loads.emplace_back(node, load);
  }
  p.target_segments = number();
  if (number() != 0) {
    auto ids = std::make_shared<id_set>();
    for (auto n = number.count(); n > 0; --n)
      ids->insert(number());
    p.unheard = std::move(ids);
  }
  // A situation makes views of chunks, as it did where they came from.
  situation maker;
  maker.remember_changes();
  change_set made;
  std::vector<std::int64_t> order;
  change_set chunks;
  for (auto n = number.count(); n > 0 && number.whole; --n) {
    const auto id = number();
    const bool there = number() != 0;
    order.push_back(id);
    for (auto parts = number.count() / 2; parts > 0; --parts) {
      const auto kind = number();
      const auto key = number();
      msg<schema::Chunk> c;
      if (auto done = chunk(c); !done)
        return done.error();
      if (there)
        chunks.put({static_cast<ChunkKind>(kind), id, key}, std::move(c));
    }
  }
  if (!number.whole || !number.done() || next != frames.size())
    return malformed("it is cut off, or has more than it says");
  maker.apply(chunks.take(1, 0, 0));
  maker.take_views(made);
  std::map<std::int64_t, std::shared_ptr<const collection_view>> views;
  for (auto& [id, view] : made.take(1, 0, 0).views)
    views[id] = std::move(view);
  for (auto id : order)
    p.views.emplace_back(id, views[id]);
  return p;
}

} // namespace muster
