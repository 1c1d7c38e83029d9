// The bridge's thread and what others may ask of it.
#include "net/bridge.hpp"

#include "actors/runtime/log.hpp"
#include "net/address.hpp"
#include "messages/limits.hpp"
#include "net/service.hpp"

#include <caf/send.hpp>

#include <future>

namespace muster {

namespace {

void loop_main(caf::actor_system& system, const net::queue_ptr& queue) {
  KJ_IF_MAYBE (e, kj::runCatchingExceptions([&] {
                 auto io = kj::setupAsyncIo();
                 net::hub h{system, *io.provider, queue};
                 h.run().wait(io.waitScope);
               }))
    log::error("net", "the event loop ended: ", net::text_of(*e));
  queue->close();
}

using bound = std::function<void(result<std::string>)>;

/// Listens on the loop and waits for the outcome; binding does not block there, so the wait is short.
result<std::string> listen(net::loop_queue& queue, const std::string& address,
                           std::function<void(net::hub&, const std::string& where, bound done)> begin) {
  auto checked = net::loopback_address(address);
  if (!checked)
    return checked.error();
  auto outcome = std::make_shared<std::promise<result<std::string>>>();
  auto future = outcome->get_future();
  queue.post([outcome, begin = std::move(begin), where = to_string(*checked)](net::hub& h) {
    begin(h, where, [outcome](result<std::string> r) { outcome->set_value(std::move(r)); });
  });
  if (future.wait_for(limits::dial_timeout) != std::future_status::ready)
    return failure{ec::address_unusable, "cannot listen on " + address + ": the event loop does not answer"};
  return future.get();
}

} // namespace

bridge::bridge(caf::actor_system& system)
  : system_(system), queue_(std::make_shared<net::loop_queue>()), wire_(net::spawn_wire(system, queue_)),
    thread_([this] { loop_main(system_, queue_); }) {
  // nop
}

bridge::~bridge() {
  queue_->post([](net::hub& h) { h.stop(); });
  thread_.join();
  caf::anon_send_exit(wire_, caf::exit_reason::user_shutdown);
}

void bridge::own_links(link_owner_actor main_links, link_owner_actor peer_links) {
  queue_->post([=](net::hub& h) { h.links.own(main_links, peer_links); });
}

result<std::string> bridge::listen_coordinator(const std::string& address, gateway_actor gateway,
                                               route_publisher_actor routes) {
  return listen(*queue_, address, [gateway, routes, queue = queue_](net::hub& h, const std::string& where, bound done) {
    h.client_door = net::spawn_client_door(h.system, queue, gateway);
    h.routes = routes;
    h.listen(where, net::make_coordinator_service, std::move(done));
  });
}

result<std::string> bridge::listen_http(const std::string& address, http_desk_actor desk, const std::string& coordinator,
                                        const net::http_limits& most) {
  return listen(*queue_, address, [desk, coordinator, most, queue = queue_](net::hub& h, const std::string& where, bound done) {
    h.http_desk = net::spawn_http_door(h.system, queue, desk);
    h.listen_http(where, coordinator, most, std::move(done));
  });
}

result<std::string> bridge::listen_node(const std::string& address, search_door_actor door) {
  return listen(*queue_, address, [door, queue = queue_](net::hub& h, const std::string& where, bound done) {
    h.search_door = net::spawn_search_door(h.system, queue, door);
    h.listen(where, net::make_node_service, std::move(done));
  });
}

} // namespace muster
