// Choosing leaders, racing attempts, merging answers.
#include "net/searcher.hpp"

#include "net/methods.hpp"

#include <algorithm>

namespace muster::net {

namespace {

kj::Duration as_kj(std::chrono::milliseconds t) {
  return static_cast<std::int64_t>(t.count()) * kj::MILLISECONDS;
}

/// Another replica would say the same.
bool is_definite(ec code) {
  return code == ec::parameter_invalid || code == ec::parameter_missing || code == ec::collection_not_found
         || code == ec::malformed_frame;
}

bool before(const search_hit& a, const search_hit& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
}

} // namespace

searcher::searcher(kj::Network& network, kj::Timer& timer, route_watch& routes, client_options options,
                   std::string coordinator)
  : network_(network), timer_(timer), routes_(routes), options_(options), coordinator_(std::move(coordinator)),
    tasks_(*this) {
  // nop
}

kj::Promise<search_result> searcher::search(search_query query) {
  routes_.start();
  auto r = std::make_shared<request>();
  const auto deadline = query.deadline.count() > 0 ? query.deadline : options_.search_deadline;
  r->until = timer_.now() + as_kj(std::min(deadline, limits::search_timeout));
  r->query = std::move(query);
  return wait_for_routes(r, r->until).then([this, r]() -> kj::Promise<search_result> {
    auto routes = routes_.routes(r->query.collection);
    search_result none;
    if (routes.empty() || routes->getShards().size() == 0) {
      none.why = failure{ec::collection_not_loaded,
                         routes_.live() ? "collection " + r->query.collection + " has no routes: it is not loaded"
                                        : "no routes are known, because no coordinator has answered at " + coordinator_
                                            + " yet. Is it running?"};
      if (!routes_.live())
        none.why.code = ec::connection_lost;
      return none;
    }
    std::vector<std::string> channels;
    kj::Vector<kj::Promise<channel_reply>> asked;
    for (auto shard : routes->getShards()) {
      channels.emplace_back(view(shard.getChannel()));
      asked.add(ask_channel(r, channels.back()));
    }
    return kj::joinPromises(asked.releaseAsArray())
      .then([this, r, channels = std::move(channels)](kj::Array<channel_reply>&& replies) {
        return merge(*r, channels, replies);
      });
  });
}

kj::Promise<void> searcher::wait_for_routes(std::shared_ptr<request> r, kj::TimePoint until) {
  auto known = routes_.routes(r->query.collection);
  if ((!known.empty() && known->getShards().size() > 0) || timer_.now() >= until)
    return kj::READY_NOW;
  // Routes that are up to date name all that is loaded: what they do not name now can only be on its way.
  if (routes_.live())
    until = kj::min(until, timer_.now() + as_kj(limits::route_delay));
  return routes_.changed().exclusiveJoin(timer_.atTime(until)).then([this, r, until] { return wait_for_routes(r, until); });
}

// -- one channel --------------------------------------------------------------

kj::Promise<searcher::channel_reply> searcher::ask_channel(std::shared_ptr<request> r, std::string channel) {
  auto pair = kj::newPromiseAndFulfiller<channel_reply>();
  auto x = kj::heap<race>();
  x->of = r;
  x->channel = std::move(channel);
  x->done = kj::mv(pair.fulfiller);
  auto& race_ref = *x;
  x->tasks.add(timer_.atTime(r->until).then([this, &race_ref] {
    auto why = race_ref.last;
    if (why.code == ec::ok && !race_ref.open.empty())
      why = failure{ec::deadline_exceeded,
                    "channel " + race_ref.channel + ": " + *race_ref.open.begin() + " did not answer in time"};
    else if (why.code == ec::ok)
      why = no_leader(race_ref);
    race_ref.done->fulfill(std::move(why));
  }));
  x->tasks.add(timer_.afterDelay(as_kj(options_.search_hedge)).then([this, &race_ref] {
    if (!race_ref.open.empty() && race_ref.sent < 2)
      attempt(race_ref);
  }));
  go_on(*x);
  return pair.promise.attach(kj::mv(x));
}

std::string searcher::choose(const race& x) {
  std::vector<std::string> usable;
  for (auto& address : routes_.leaders(x.of->query.collection, x.channel)) {
    auto tried = x.tried.find(address);
    auto known = nodes_.find(address);
    const bool failed_here = tried != x.tried.end() && tried->second == routes_.changes();
    const bool is_down = known != nodes_.end() && known->second.down_at == routes_.updates();
    if (!failed_here && !is_down && !x.open.contains(address))
      usable.push_back(std::move(address));
  }
  if (usable.empty())
    return {};
  // Who failed already is asked again only when nobody else is left.
  std::stable_partition(usable.begin(), usable.end(), [&](auto& a) { return !x.tried.contains(a); });
  const auto fresh = std::count_if(usable.begin(), usable.end(), [&](auto& a) { return !x.tried.contains(a); });
  auto& turn = turn_[x.of->query.collection + '/' + x.channel];
  // Retries take no turn: with two replicas each search would start at the same one again.
  const auto mine = x.open.empty() && x.tried.empty() ? turn++ : turn;
  return usable[mine % static_cast<std::size_t>(fresh > 0 ? fresh : std::ssize(usable))];
}

bool searcher::attempt(race& x) {
  const auto address = choose(x);
  if (address.empty())
    return false;
  x.open.insert(address);
  if (x.sent > 0)
    ++x.of->retries;
  auto sent = std::make_shared<bool>(false);
  auto answer = node_at(address).link->get().then([this, &x, sent](capnp::Capability::Client&& cap) {
    *sent = true;
    ++x.sent;
    const auto& q = x.of->query;
    auto routes = routes_.routes(q.collection);
    auto request = cap.castAs<schema::QueryNode>().searchRequest(
      capnp::MessageSize{q.vectors.size() / 2 + 64 + (q.name.size() + x.channel.size()) / 8, 0});
    const auto left = std::max<std::int64_t>((x.of->until - timer_.now()) / kj::NANOSECONDS, 1'000'000);
    auto header = request.initHeader();
    const auto now = steady_ns();
    header.setEnqueuedAt(now);
    header.setDeadline(now + left);
    request.setCollection(routes->getCollectionId());
    request.setChannel(x.channel.c_str());
    request.setVectors(kj::arrayPtr(q.vectors.data(), q.vectors.size()));
    request.setDimension(q.dimension);
    request.setK(q.k);
    request.setName(q.name.c_str());
    return request.send().then([](auto&& reply) { return copy<schema::SearchReply>(reply); });
  });
  x.tasks.add(answer.then(
    [this, &x, address](msg<schema::SearchReply>&& reply) { answered(x, address, std::move(reply)); },
    [this, &x, address, sent](kj::Exception&& e) {
      if (e.getType() == kj::Exception::Type::DISCONNECTED || !*sent)
        down(address);
      failed(x, address, failure{ec::connection_lost, "channel " + x.channel + ": " + address + ": " + text_of(e)});
    }));
  return true;
}

void searcher::answered(race& x, const std::string& address, msg<schema::SearchReply> reply) {
  const auto status = reply.read().getStatus();
  if (status.getCode() == 0) {
    x.open.erase(address);
    x.done->fulfill(std::move(reply));
    return;
  }
  const auto code = static_cast<ec>(status.getCode());
  failure why{code, std::string{view(status.getReason())}};
  if (is_definite(code))
    x.done->fulfill(std::move(why));
  else
    failed(x, address, std::move(why));
}

void searcher::failed(race& x, const std::string& address, failure why) {
  x.open.erase(address);
  x.tried[address] = routes_.changes();
  x.last = std::move(why);
  if (x.open.empty() || x.sent < 2)
    go_on(x);
}

void searcher::go_on(race& x) {
  if (x.sent >= 2) {
    if (x.open.empty())
      x.done->fulfill(x.last);
    return;
  }
  if (attempt(x) || !x.open.empty() || x.waits)
    return;
  // Nobody to ask: the routes may get better before the deadline.
  x.waits = true;
  x.tasks.add(routes_.changed().then([this, &x] {
    x.waits = false;
    if (x.open.empty())
      go_on(x);
  }));
}

failure searcher::no_leader(const race& x) const {
  return {ec::channel_not_available, "channel " + x.channel + " of collection " + x.of->query.collection
                                       + " has no leader that can be reached"};
}

// -- nodes --------------------------------------------------------------------

searcher::node& searcher::node_at(const std::string& address) {
  auto& n = nodes_[address];
  if (n.link.get() == nullptr)
    n.link = kj::heap<remote>(network_, timer_, address, [this, address] { down(address); });
  return n;
}

void searcher::down(const std::string& address) {
  auto& n = node_at(address);
  n.down_at = routes_.updates();
  if (n.redialling)
    return;
  n.redialling = true;
  tasks_.add(redial(address));
}

kj::Promise<void> searcher::redial(std::string address) {
  return timer_.afterDelay(as_kj(limits::redial)).then([this, address]() -> kj::Promise<void> {
    auto& n = nodes_[address];
    if (!routes_.names(address)) {
      n.redialling = false;
      return kj::READY_NOW;
    }
    return n.link->get().then(
      [this, address](capnp::Capability::Client&&) -> kj::Promise<void> {
        auto& back = nodes_[address];
        back.redialling = false;
        back.down_at = 0;
        routes_.wake();
        return kj::READY_NOW;
      },
      [this, address](kj::Exception&&) { return redial(address); });
  });
}

// -- merging ------------------------------------------------------------------

search_result searcher::merge(const request& r, const std::vector<std::string>& channels,
                              kj::ArrayPtr<channel_reply> replies) {
  search_result whole;
  whole.retries = r.retries;
  for (auto& reply : replies)
    if (!reply) {
      whole.why = reply.error();
      return whole;
    }
  for (std::size_t c = 0; c < replies.size(); ++c) {
    auto reply = replies[c]->read();
    whole.served_versions[channels[c]] = reply.getServedVersion();
    auto queries = reply.getQueries();
    if (whole.queries.size() < queries.size())
      whole.queries.resize(queries.size());
    for (unsigned q = 0; q < queries.size(); ++q)
      for (auto h : queries[q].getHits())
        whole.queries[q].push_back({h.getId(), h.getDistance(), std::string{view(h.getName())}});
    for (auto row : reply.getRows()) {
      auto& to = whole.rows.emplace_back(named_row{std::string{view(row.getName())}, row.getId(), {}});
      to.vector.reserve(row.getVector().size());
      for (auto v : row.getVector())
        to.vector.push_back(v);
    }
  }
  for (auto& hits : whole.queries) {
    std::sort(hits.begin(), hits.end(), before);
    if (hits.size() > r.query.k)
      hits.resize(r.query.k);
  }
  std::sort(whole.rows.begin(), whole.rows.end(), [](auto& a, auto& b) { return a.id < b.id; });
  return whole;
}

} // namespace muster::net
