// `muster import --synthetic`: plausible segments of the same seed, registered many collections a request.
#include "deploy/synthetic.hpp"

#include "deploy/output.hpp"
#include "deploy/session.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <iostream>

namespace muster::cli {

namespace {

/// Ids that one request takes; a commit of so many segments takes a fraction of a second.
constexpr std::size_t ids_per_batch = 20'000;
constexpr std::size_t most_collections = 1'000'000;
constexpr std::uint32_t dimension = 128;

std::atomic<bool> interrupted{false};

/// splitmix64: the same rows for the same seed everywhere.
class draws {
public:
  explicit draws(std::uint64_t seed) : state_(seed) {
    // nop
  }

  std::uint64_t below(std::uint64_t n) {
    state_ += 0x9e3779b97f4a7c15ull;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (z ^ (z >> 31)) % n;
  }

private:
  std::uint64_t state_;
};

/// Most segments are full or nearly so, one in ten is the small rest of an import.
std::int64_t draw_rows(draws& from, std::size_t segment_rows) {
  const auto full = static_cast<std::uint64_t>(segment_rows);
  if (from.below(10) == 0)
    return static_cast<std::int64_t>(1 + from.below(full));
  return static_cast<std::int64_t>(full - from.below(full / 10 + 1));
}

struct batch_place {
  std::size_t first = 0; ///< Number of its first collection, from 1.
  std::size_t count = 0;
  std::size_t segments = 0;
  int digits = 5;
};

std::string name_of(const synthetic_options& o, const batch_place& at, std::size_t i) {
  auto number = std::to_string(i);
  number.insert(0, static_cast<std::size_t>(std::max<int>(0, at.digits - static_cast<int>(number.size()))), '0');
  return o.name + "-" + number;
}

void fill(schema::RegisterImportRequest::Builder b, const synthetic_options& o, const std::string& name,
          std::int64_t first_id, std::size_t segments, draws& from) {
  b.setName(name);
  b.setCollectionId(first_id);
  b.setMetric("l2");
  b.setDimension(dimension);
  b.setPartitionId(first_id + 1);
  b.setDefaultPartitionId(first_id + 2);
  auto property = b.initProperties(1)[0];
  property.setKey("synthetic");
  property.setValue("true");
  std::vector<std::string> channels;
  for (std::size_t i = 0; i < o.shards; ++i)
    channels.push_back(name + "-" + std::to_string(first_id) + "-v" + std::to_string(i));
  auto list = b.initChannels(static_cast<unsigned>(channels.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, channels[i]);
  auto out = b.initSegments(static_cast<unsigned>(segments));
  for (unsigned i = 0; i < out.size(); ++i) {
    const auto id = first_id + 3 + i;
    const auto rows = draw_rows(from, o.segment_rows);
    const bool indexed = static_cast<std::size_t>(rows) >= limits::hnsw_rows;
    out[i].setId(id);
    out[i].setChannel(channels[i % channels.size()]);
    out[i].setRows(rows);
    out[i].setBytes(rows * (dimension * 4 + (indexed ? 144 : 8)));
    out[i].setFile(std::to_string(first_id) + "/" + std::to_string(id) + ".segment");
    out[i].setIndexKind(indexed ? "hnsw" : "brute_force");
  }
}

/// One request, and one transaction of the catalogue, for the whole batch.
void make_batch(session& s, const synthetic_options& o, const batch_place& at, draws& from) {
  const auto ids = at.count * (at.segments + 3);
  auto next = s.ask<schema::AllocateIdsRequest>([&](auto b) { b.setCount(static_cast<std::uint32_t>(ids)); })->getFirst();
  s.ask<schema::RegisterImportRequest>([&](schema::RegisterImportRequest::Builder b) {
    fill(b, o, name_of(o, at, at.first), next, at.segments, from);
    auto more = b.initMore(static_cast<unsigned>(at.count - 1));
    for (unsigned i = 0; i < more.size(); ++i) {
      next += static_cast<std::int64_t>(at.segments + 3);
      fill(more[i], o, name_of(o, at, at.first + 1 + i), next, at.segments, from);
    }
  });
}

} // namespace

std::pair<std::size_t, std::size_t> read_shape(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return command_error{usage, "--synthetic " + text + ": " + why + "; write COLLECTIONSxSEGMENTS, for example 100x20"};
  };
  std::pair<std::size_t, std::size_t> shape;
  const auto* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shape.first);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != 'x')
    throw wrong("is no shape");
  const auto second = std::from_chars(first.ptr + 1, end, shape.second);
  if (second.ec != std::errc{} || second.ptr != end)
    throw wrong("is no shape");
  if (shape.first == 0 || shape.first > most_collections)
    throw wrong("1 to " + with_commas(most_collections) + " collections can be made");
  if (shape.second == 0 || shape.second > limits::import_segments)
    throw wrong("a collection can have 1 to " + with_commas(limits::import_segments) + " segments");
  return shape;
}

int import_synthetic(const synthetic_options& o) {
  const auto [collections, segments] = read_shape(o.shape);
  const auto start = std::chrono::steady_clock::now();
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
  session s{o.coordinator};
  draws from{o.seed};
  batch_place at;
  at.digits = std::max<int>(5, static_cast<int>(std::to_string(collections).size()));
  at.segments = segments;
  const auto per_batch = std::max<std::size_t>(ids_per_batch / (segments + 3), 1);
  for (at.first = 1; at.first <= collections; at.first += at.count) {
    at.count = std::min(per_batch, collections - at.first + 1);
    const auto made = with_commas(static_cast<std::int64_t>(at.first - 1)) + " of "
                      + with_commas(static_cast<std::int64_t>(collections)) + " collections are there";
    if (interrupted)
      throw command_error{failed, "interrupted; " + made};
    try {
      make_batch(s, o, at, from);
    } catch (const command_error& why) {
      throw command_error{why.exit, why.what() + std::string{"; "} + made};
    }
  }
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto total = static_cast<std::int64_t>(collections * segments);
  at.first = 1;
  if (o.json)
    std::cout << json_writer{}
                     .open('{')
                     .field("collections", collections)
                     .field("segments", total)
                     .field("first", name_of(o, at, 1))
                     .field("last", name_of(o, at, collections))
                     .field("seconds", seconds)
                     .close('}')
                     .str()
              << '\n';
  else
    std::cout << "registered " << counted(static_cast<std::int64_t>(collections), "collection") << " of "
              << counted(static_cast<std::int64_t>(segments), "segment") << " without vectors, " << name_of(o, at, 1)
              << " to " << name_of(o, at, collections) << ", in " << fixed(seconds, 1)
              << " s\n  next: muster fleet --nodes N --join " << o.coordinator << ", then muster load --all\n";
  return done;
}

} // namespace muster::cli
