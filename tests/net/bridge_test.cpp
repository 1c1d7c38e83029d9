// The bridge against a bridge: links, refusals, garbage, and how an end is seen.
#include "tests/net/fakes.hpp"

#include "net/connection.hpp"

#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

using namespace muster;
using namespace muster::test;

namespace {

struct bridge_test : testing::Test, world {
  event_log near = std::make_shared<log_of<event>>();
  event_log far = std::make_shared<log_of<event>>();
  subscriber_log subscribers = std::make_shared<log_of<route_subscriber_actor>>();
  std::unique_ptr<bridge> node = std::make_unique<bridge>(system);
  std::unique_ptr<bridge> coordinator = std::make_unique<bridge>(system);

  std::string listen(std::string address = "127.0.0.1:0") {
    auto g = spawn(gateway, gateway_function{[](auto&) { return msg<schema::ClientReply>{}; }});
    auto r = coordinator->listen_coordinator(address, g, spawn(publisher, subscribers));
    EXPECT_TRUE(r) << r.error().text;
    return r ? *r : "";
  }

  void connect_owners(bool echo = true) {
    node->own_links(spawn(owner, near, wire_actor{}), spawn(owner, near, wire_actor{}));
    auto back = echo ? coordinator->wire() : wire_actor{};
    coordinator->own_links(spawn(owner, far, back), spawn(owner, far, back));
  }

  bool wait(event_log& log, event::kind_t kind, std::size_t n = 1) {
    return log->wait([=](auto& all) { return count(all, kind) >= n; });
  }
};

/// A plain socket to a bridge.
struct raw_socket {
  explicit raw_socket(const std::string& address) : fd(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(std::stoi(address.substr(address.rfind(':') + 1)));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  }

  ~raw_socket() {
    ::close(fd);
  }

  /// True when the other side ends the connection; what it still says is ignored.
  bool ends() {
    char buffer[4096];
    for (;;) {
      pollfd p{fd, POLLIN, 0};
      if (::poll(&p, 1, 10'000) != 1)
        return false;
      if (::read(fd, buffer, sizeof(buffer)) <= 0)
        return true;
    }
  }

  int fd;
};

} // namespace

TEST_F(bridge_test, frames_come_back_in_order) {
  connect_owners();
  auto address = listen();
  auto wire = node->wire();
  caf::anon_send(wire, open_link(1, address, false));
  constexpr std::size_t n = 2000;
  for (std::size_t i = 0; i < n; ++i)
    caf::anon_send(wire, write_link(1, "frame " + std::to_string(i) + std::string(i % 977, 'x')));
  ASSERT_TRUE(wait(near, event::frame, n));
  auto all = near->all();
  EXPECT_EQ(all[0].kind, event::opened);
  EXPECT_FALSE(all[0].flag);
  for (std::size_t i = 0; i < n; ++i)
    ASSERT_EQ(all[i + 1].text, "frame " + std::to_string(i) + std::string(i % 977, 'x'));
  auto there = far->all();
  EXPECT_EQ(there[0].kind, event::opened);
  EXPECT_TRUE(there[0].flag);
  EXPECT_EQ(there[0].link % 2, 0);
}

TEST_F(bridge_test, a_large_frame_passes_and_one_over_the_limit_ends_the_link) {
  connect_owners(false);
  auto address = listen();
  caf::anon_send(node->wire(), open_link(1, address, false));
  caf::anon_send(node->wire(), write_link(1, std::string(48u << 20, 'a')));
  ASSERT_TRUE(wait(far, event::frame));
  EXPECT_EQ(far->all()[1].text.size(), 48u << 20);
  caf::anon_send(node->wire(), write_link(1, std::string(limits::frame_bytes + 8, 'a')));
  EXPECT_TRUE(wait(near, event::closed));
  EXPECT_TRUE(wait(far, event::closed));
}

TEST_F(bridge_test, a_closed_link_delivers_what_was_written_and_closes_once_on_both_sides) {
  connect_owners(false);
  auto address = listen();
  caf::anon_send(node->wire(), open_link(1, address, false));
  ASSERT_TRUE(wait(far, event::opened));
  for (int i = 0; i < 100; ++i)
    caf::anon_send(node->wire(), write_link(1, std::string(50'000, 'b')));
  caf::anon_send(node->wire(), close_link(1));
  caf::anon_send(node->wire(), close_link(1));
  ASSERT_TRUE(wait(far, event::closed));
  EXPECT_EQ(count(far->all(), event::frame), 100u);
  ASSERT_TRUE(wait(near, event::closed));
  node.reset();
  coordinator.reset();
  EXPECT_EQ(count(near->all(), event::closed), 1u);
  EXPECT_EQ(count(far->all(), event::closed), 1u);
}

TEST_F(bridge_test, broadcast_reaches_every_link) {
  connect_owners(false);
  auto address = listen();
  for (int i = 0; i < 5; ++i)
    caf::anon_send(node->wire(), open_link(2 * i + 1, address, false));
  ASSERT_TRUE(wait(far, event::opened, 5));
  caf::anon_send(coordinator->wire(), build<schema::LinkCommand>([](auto b) {
                   auto c = b.initBroadcast();
                   c.setLinks({2, 4, 6, 8, 10});
                   c.setBytes(kj::StringPtr{"beat"}.asBytes());
                 }));
  ASSERT_TRUE(wait(near, event::frame, 5));
}

TEST_F(bridge_test, the_end_of_the_other_process_is_seen_at_once) {
  connect_owners();
  auto address = listen();
  caf::anon_send(node->wire(), open_link(1, address, false));
  ASSERT_TRUE(wait(near, event::opened));
  ASSERT_TRUE(wait(far, event::opened));
  node.reset();
  ASSERT_TRUE(wait(far, event::closed));
  EXPECT_FALSE(far->all().back().flag);
}

TEST_F(bridge_test, a_refused_connect_tells_that_the_process_has_ended) {
  connect_owners();
  auto address = listen();
  coordinator.reset();
  caf::anon_send(node->wire(), open_link(1, address, false));
  ASSERT_TRUE(wait(near, event::closed));
  EXPECT_TRUE(near->all().back().flag) << near->all().back().text;
  EXPECT_EQ(count(near->all(), event::opened), 0u);
}

TEST_F(bridge_test, a_link_for_which_nobody_listens_is_refused) {
  node->own_links(spawn(owner, near, wire_actor{}), spawn(owner, near, wire_actor{}));
  auto address = listen();
  caf::anon_send(node->wire(), open_link(1, address, false));
  caf::anon_send(node->wire(), open_link(3, address, true));
  ASSERT_TRUE(wait(near, event::closed, 2));
  EXPECT_FALSE(near->all()[0].flag);
}

TEST_F(bridge_test, peer_links_go_to_their_own_owner) {
  event_log peers = std::make_shared<log_of<event>>();
  coordinator->own_links(spawn(owner, far, wire_actor{}), spawn(owner, peers, coordinator->wire()));
  node->own_links(spawn(owner, far, wire_actor{}), spawn(owner, near, wire_actor{}));
  auto d = spawn(door, door_function{[](auto&) { return hits(1, {}); }});
  auto address = coordinator->listen_node("localhost:0", d);
  ASSERT_TRUE(address);
  caf::anon_send(node->wire(), open_link(1, *address, true));
  caf::anon_send(node->wire(), write_link(1, "hello"));
  ASSERT_TRUE(wait(near, event::frame));
  EXPECT_EQ(count(peers->all(), event::frame), 1u);
  EXPECT_TRUE(far->all().empty());
}

TEST_F(bridge_test, garbage_closes_only_its_connection) {
  connect_owners();
  auto address = listen();
  caf::anon_send(node->wire(), open_link(1, address, false));
  ASSERT_TRUE(wait(near, event::opened));
  for (std::string garbage : {std::string{"GET / HTTP/1.1\r\nHost: muster\r\n\r\n"}, std::string(4096, '\xff'),
                              std::string("\0\0\0\0\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f", 16)}) {
    raw_socket raw{address};
    ASSERT_EQ(::write(raw.fd, garbage.data(), garbage.size()), static_cast<ssize_t>(garbage.size()));
    EXPECT_TRUE(raw.ends());
  }
  caf::anon_send(node->wire(), write_link(1, "still there"));
  ASSERT_TRUE(wait(near, event::frame));
  EXPECT_EQ(count(near->all(), event::closed), 0u);
}

TEST_F(bridge_test, only_loopback_is_listened_on) {
  auto d = spawn(door, door_function{[](auto&) { return hits(1, {}); }});
  for (auto address : {"0.0.0.0:0", "192.168.1.1:0", "*:0", "[::]:0", "example.org:80", "127.0.0.1", "127.0.0.1:99999", ":0",
                       "unix:/tmp/x", ""}) {
    auto r = node->listen_node(address, d);
    ASSERT_FALSE(r) << address;
    EXPECT_EQ(r.error().code, ec::address_unusable);
    EXPECT_EQ(r.error().text.find('\n'), std::string::npos);
  }
}

TEST_F(bridge_test, a_port_in_use_is_one_clear_line) {
  auto address = listen();
  auto d = spawn(door, door_function{[](auto&) { return hits(1, {}); }});
  auto r = node->listen_node(address, d);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ec::address_unusable);
  EXPECT_NE(r.error().text.find("another process listens there"), std::string::npos) << r.error().text;
}

namespace {

/// A coordinator whose link takes frames and never says that it has handled one.
struct stuck_coordinator final : schema::Coordinator::Server {
  struct sink final : schema::FrameSink::Server {
    kj::Promise<void> frame(FrameContext) override {
      return kj::NEVER_DONE;
    }
  };

  kj::Promise<void> joinNode(JoinNodeContext context) override {
    node = context.getParams().getToNode();
    context.getResults().setToCoordinator(kj::heap<sink>());
    return kj::READY_NOW;
  }

  kj::Maybe<schema::FrameSink::Client> node;
};

} // namespace

TEST_F(bridge_test, a_link_that_nobody_reads_ends_at_its_limit) {
  connect_owners();
  auto io = kj::setupAsyncIo();
  auto where = io.provider->getNetwork().parseAddress("127.0.0.1:0").wait(io.waitScope);
  auto receiver = where->listen();
  caf::anon_send(node->wire(), open_link(1, "127.0.0.1:" + std::to_string(receiver->getPort()), false));
  auto& timer = io.provider->getTimer();
  net::connection other{timer.timeoutAfter(10 * kj::SECONDS, receiver->accept()).wait(io.waitScope),
                        kj::heap<stuck_coordinator>()};
  // The same megabyte again and again: what waits are references to it.
  const auto megabyte = write_link(1, std::string(1u << 20, 'x'));
  for (std::size_t i = 0; i < limits::link_queued_bytes / (1u << 20) + 32; ++i)
    caf::anon_send(node->wire(), megabyte);
  timer.timeoutAfter(10 * kj::SECONDS, other.ended()).wait(io.waitScope);
  ASSERT_TRUE(wait(near, event::closed));
  EXPECT_NE(near->all().back().text.find("does not read"), std::string::npos) << near->all().back().text;
}
