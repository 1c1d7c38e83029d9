// Requests in flight over one connection: each that ends starts the next.
#include "deploy/many.hpp"

#include "deploy/output.hpp"
#include "deploy/session.hpp"
#include "persistence/catalogue.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

namespace muster::cli {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t told_failures = 5;

double ms_since(clock::time_point start) {
  return std::chrono::duration<double, std::milli>(clock::now() - start).count();
}

struct progress {
  std::vector<std::string> names;
  std::size_t next = 0;
  std::vector<double> times; ///< Milliseconds of those that were done.
  std::size_t refused = 0;
  failure lost{ec::ok, {}}; ///< The connection is gone: nothing more is asked.
};

/// One of the chains of requests: the next name as long as there is one.
kj::Promise<void> chain(session& s, const many_requests& todo, progress& at) {
  if (at.next == at.names.size() || at.lost.code != ec::ok)
    return kj::READY_NOW;
  const auto& name = at.names[at.next++];
  const auto start = clock::now();
  return s.api().call(todo.request(name)).then([&s, &todo, &at, &name, start](result<msg<schema::ClientReply>> reply) {
    failure why{ec::ok, {}};
    if (!reply)
      why = reply.error();
    else if (const auto status = status_of(reply->read()); status.getCode() != 0)
      why = failure{static_cast<ec>(status.getCode()), std::string{view(status.getReason())}};
    if (why.code == ec::ok) {
      at.times.push_back(ms_since(start));
    } else {
      if (++at.refused <= told_failures)
        std::cerr << "muster: " << name << " was not " << todo.verb << ": " << to_string(why.code) << ": " << why.text
                  << '\n';
      if (why.code == ec::connection_lost)
        at.lost = why;
    }
    return chain(s, todo, at);
  });
}

} // namespace

int ask_for_all(const many_requests& todo) {
  session s{todo.coordinator};
  progress at;
  const auto list = s.ask<schema::ListCollectionsRequest>();
  for (auto c : list->getCollections())
    if (view(c.getLoadStatus()) == todo.status)
      at.names.push_back(qualified_name(view(c.getDatabase()), view(c.getName())));
  const auto start = clock::now();
  kj::Vector<kj::Promise<void>> chains;
  for (std::size_t i = 0; i < std::min(todo.in_flight, at.names.size()); ++i)
    chains.add(chain(s, todo, at));
  s.wait(kj::joinPromises(chains.releaseAsArray()));
  if (at.lost.code != ec::ok)
    throw command_error{at.lost};
  const auto ms = ms_since(start);
  std::sort(at.times.begin(), at.times.end());
  const auto share = [&](double p) {
    return at.times.empty() ? 0 : at.times[static_cast<std::size_t>(static_cast<double>(at.times.size() - 1) * p)];
  };
  if (todo.json)
    std::cout << json_writer{}
                     .open('{')
                     .field("done", todo.verb)
                     .field("collections", at.times.size())
                     .field("refused", at.refused)
                     .field("ms", ms)
                     .field("p50_ms", share(0.5))
                     .field("p99_ms", share(0.99))
                     .close('}')
                     .str()
              << '\n';
  else
    std::cout << todo.verb << ' ' << counted(static_cast<std::int64_t>(at.times.size()), "collection") << " in "
              << fixed(ms / 1000, 1) << " s (" << todo.in_flight << " at a time; one took " << fixed(share(0.5), 1)
              << " ms, the slowest hundredth " << fixed(share(0.99), 1) << " ms)"
              << (at.refused > 0 ? ", " + std::to_string(at.refused) + " refused" : "") << '\n';
  return at.refused == 0 ? done : failed;
}

} // namespace muster::cli
