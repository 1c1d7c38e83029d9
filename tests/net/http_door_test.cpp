// Guards the door of HTTP against a desk of the test: what is too much is told so, and what comes is carried as it is.
#include "net/rate_limit.hpp"
#include "tests/net/fakes.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace muster;
using namespace muster::test;

namespace {

/// An empty reply: the desk hangs.
using desk_function = std::function<msg<schema::HttpReply>(schema::HttpRequest::Reader)>;

struct desk_state {
  std::vector<caf::typed_response_promise<msg<schema::HttpReply>>> hanging;
};

http_desk_actor::behavior_type desk(http_desk_actor::stateful_pointer<desk_state> self, desk_function answer) {
  return {[](const publication&) { return msg<schema::Ack>{}; },
          [=](const msg<schema::HttpRequest>& r) {
            auto promise = self->make_response_promise<msg<schema::HttpReply>>();
            if (auto reply = answer(r.read()); !reply.empty())
              promise.deliver(reply);
            else
              self->state.hanging.push_back(promise);
            return promise;
          }};
}

msg<schema::HttpReply> text(const std::string& body, std::uint16_t status = 200) {
  return build<schema::HttpReply>(
    [&](schema::HttpReply::Builder b) {
      auto a = b.initAnswer();
      a.setStatus(status);
      a.setContentType("text/plain");
      auto more = a.initHeaders(1)[0];
      more.setKey("X-More");
      more.setValue("yes");
      a.setBody({reinterpret_cast<const kj::byte*>(body.data()), body.size()});
    },
    body.size() / 8 + 64);
}

msg<schema::HttpReply> events(const std::string& body, std::uint64_t last) {
  return build<schema::HttpReply>([&](schema::HttpReply::Builder b) {
    auto e = b.initEvents();
    e.setText({reinterpret_cast<const kj::byte*>(body.data()), body.size()});
    e.setLast(last);
  });
}

/// A client that writes and reads bytes.
struct http_client {
  explicit http_client(const std::string& address) : fd(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }

  ~http_client() {
    ::close(fd);
  }

  void send(const std::string& bytes) const {
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  /// Reads until what was read holds the text; false: it did not come.
  bool read_until(const std::string& wanted) {
    char buffer[4096];
    while (got.find(wanted) == std::string::npos) {
      pollfd p{fd, POLLIN, 0};
      if (::poll(&p, 1, 10'000) != 1)
        return false;
      const auto n = ::read(fd, buffer, sizeof buffer);
      if (n <= 0)
        return false;
      got.append(buffer, static_cast<std::size_t>(n));
    }
    return true;
  }

  /// One request and its answer, head and body.
  std::string ask(const std::string& request) {
    got.clear();
    send(request);
    if (!read_until("\r\n\r\n"))
      return got;
    const auto head = got.find("\r\n\r\n") + 4;
    const auto at = got.find("Content-Length: ");
    const auto length = at < head ? std::stoul(got.substr(at + 16)) : 0;
    char buffer[4096];
    while (got.size() < head + length) {
      const auto n = ::read(fd, buffer, sizeof buffer);
      if (n <= 0)
        break;
      got.append(buffer, static_cast<std::size_t>(n));
    }
    return got;
  }

  int fd;
  std::string got;
};

const std::string plain_get = "GET /x HTTP/1.1\r\nHost: h:1\r\n\r\n";

struct http_door_test : testing::Test, world {
  std::unique_ptr<bridge> edge = std::make_unique<bridge>(system);
  std::string address;

  void listen(desk_function answer, const net::http_limits& most = {}) {
    auto bound = edge->listen_http("127.0.0.1:0", spawn(desk, std::move(answer)), "127.0.0.1:1", most);
    ASSERT_TRUE(bound) << bound.error().text;
    address = *bound;
  }
};

TEST_F(http_door_test, a_request_reaches_the_desk_whole_and_its_answer_comes_as_it_is) {
  auto seen = std::make_shared<log_of<std::string>>();
  listen([seen](schema::HttpRequest::Reader r) {
    const auto c = r.getCall();
    for (auto field : {c.getVerb(), c.getTarget(), c.getHost(), c.getOrigin(), c.getSite(), c.getContentType(), c.getLastEventId()})
      seen->add(std::string{view(field)});
    seen->add(std::string{reinterpret_cast<const char*>(c.getBody().begin()), c.getBody().size()});
    seen->add(std::to_string(c.getPort()));
    return text("hello", 409);
  });
  http_client c{address};
  const auto answer = c.ask("POST /a/b?c=%20d HTTP/1.1\r\nHost: h:1\r\nOrigin: http://o\r\nSec-Fetch-Site: none\r\nContent-Type: t/u\r\n"
                            "Last-Event-ID: 5\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(answer.find("HTTP/1.1 409 Conflict\r\n"), 0u) << answer;
  EXPECT_NE(answer.find("\r\nX-More: yes\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\r\nContent-Type: text/plain\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nhello")) << answer;
  const std::vector<std::string> wanted{"POST", "/a/b?c=%20d", "h:1", "http://o", "none", "t/u", "5", "body",
                                        address.substr(address.rfind(':') + 1)};
  EXPECT_EQ(seen->all(), wanted);
}

TEST_F(http_door_test, requests_beyond_the_rate_are_told_to_come_later) {
  net::http_limits most;
  most.requests_per_second = 3;
  listen([](auto) { return text("fine"); }, most);
  http_client c{address};
  for (int i = 0; i < 3; ++i)
    EXPECT_NE(c.ask(plain_get).find(" 200 "), std::string::npos) << c.got;
  const auto refused = c.ask(plain_get);
  EXPECT_NE(refused.find("HTTP/1.1 429 "), std::string::npos) << refused;
  EXPECT_NE(refused.find("\r\nRetry-After: 1\r\n"), std::string::npos) << refused;
  EXPECT_NE(refused.find("\"name\":\"too_many_requests\""), std::string::npos) << refused;
}

TEST_F(http_door_test, a_body_or_header_beyond_the_limit_is_told_so) {
  net::http_limits most;
  most.body_bytes = 10;
  most.header_bytes = 100;
  listen([](auto) { return text("fine"); }, most);
  EXPECT_NE(http_client{address}.ask("POST /x HTTP/1.1\r\nHost: h:1\r\nContent-Length: 10\r\n\r\n0123456789").find(" 200 "), std::string::npos);
  EXPECT_NE(http_client{address}.ask("POST /x HTTP/1.1\r\nHost: h:1\r\nContent-Length: 11\r\n\r\n0123456789a").find(" 413 "), std::string::npos);
  EXPECT_NE(http_client{address}
              .ask("POST /x HTTP/1.1\r\nHost: h:1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n")
              .find(" 413 "),
            std::string::npos);
  EXPECT_NE(http_client{address}.ask("GET /x HTTP/1.1\r\nHost: h:1\r\nX: " + std::string(100, 'x') + "\r\n\r\n").find(" 431 "), std::string::npos);
}

TEST_F(http_door_test, bodies_that_are_too_much_together_are_refused_until_one_has_been_answered) {
  net::http_limits most;
  most.bodies_bytes = 15;
  listen([](schema::HttpRequest::Reader r) { return view(r.getCall().getTarget()) == "/hang" ? msg<schema::HttpReply>{} : text("fine"); },
         most);
  const std::string post = " HTTP/1.1\r\nHost: h:1\r\nContent-Length: 11\r\n\r\n0123456789a";
  EXPECT_NE(http_client{address}.ask("POST /x" + post).find(" 200 "), std::string::npos);
  EXPECT_NE(http_client{address}.ask("POST /x" + post).find(" 200 "), std::string::npos) << "the first was answered";
  http_client first{address};
  first.send("POST /hang" + post);
  const auto until = std::chrono::steady_clock::now() + patience;
  std::string answer;
  do
    answer = http_client{address}.ask("POST /x" + post);
  while (answer.find(" 429 ") == std::string::npos && std::chrono::steady_clock::now() < until);
  EXPECT_NE(answer.find(" 429 "), std::string::npos) << answer;
  EXPECT_NE(http_client{address}.ask(plain_get).find(" 200 "), std::string::npos) << "what has no body is not concerned";
}

TEST_F(http_door_test, one_connection_too_many_is_told_so_and_those_that_are_there_stay) {
  net::http_limits most;
  most.connections = 1;
  listen([](auto) { return text("fine"); }, most);
  http_client first{address};
  EXPECT_NE(first.ask(plain_get).find(" 200 "), std::string::npos) << first.got;
  http_client second{address};
  EXPECT_TRUE(second.read_until("try again later")) << second.got;
  EXPECT_EQ(second.got.find("HTTP/1.1 503 "), 0u) << second.got;
  EXPECT_NE(first.ask(plain_get).find(" 200 "), std::string::npos) << first.got;
}

TEST_F(http_door_test, a_stream_is_asked_for_more_behind_what_was_told) {
  auto asked = std::make_shared<log_of<std::uint64_t>>();
  listen([asked](schema::HttpRequest::Reader r) {
    if (r.isCall())
      return events("id: 7\n\n", 7);
    asked->add(r.getMore().getAfter());
    return r.getMore().getAfter() == 7 ? events("", 7 + asked->all().size()) : msg<schema::HttpReply>{};
  });
  http_client c{address};
  c.send(plain_get);
  EXPECT_TRUE(c.read_until("id: 7\n\n")) << c.got;
  EXPECT_NE(c.got.find("\r\nContent-Type: text/event-stream\r\n"), std::string::npos) << c.got;
  EXPECT_TRUE(c.read_until(": nothing happened\n\n")) << "who has nothing to tell says so: " << c.got;
  EXPECT_TRUE(asked->wait([](auto& all) { return all.size() == 2; }));
  EXPECT_EQ(asked->all(), (std::vector<std::uint64_t>{7, 8}));
}

TEST_F(http_door_test, one_stream_too_many_is_refused_and_its_place_is_free_when_the_client_has_gone) {
  net::http_limits most;
  most.streams = 1;
  listen([](schema::HttpRequest::Reader r) { return events("x\n\n", r.isCall() ? 1 : r.getMore().getAfter() + 1); }, most);
  {
    http_client first{address};
    first.send(plain_get);
    EXPECT_TRUE(first.read_until("x\n\n"));
    const auto refused = http_client{address}.ask(plain_get);
    EXPECT_NE(refused.find(" 429 "), std::string::npos) << refused;
  }
  const auto until = std::chrono::steady_clock::now() + patience;
  std::string answer;
  do {
    http_client again{address};
    again.send(plain_get);
    again.read_until("\r\n\r\n");
    answer = again.got;
  } while (answer.find(" 200 ") == std::string::npos && std::chrono::steady_clock::now() < until);
  EXPECT_NE(answer.find(" 200 "), std::string::npos) << answer;
}

TEST_F(http_door_test, without_a_desk_the_answer_is_that_the_coordinator_ends) {
  listen([](auto) { return text("fine"); });
  for (auto& a : actors)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(a), caf::exit_reason::user_shutdown);
  std::string answer;
  const auto until = std::chrono::steady_clock::now() + patience;
  do
    answer = http_client{address}.ask(plain_get);
  while (answer.find(" 503 ") == std::string::npos && std::chrono::steady_clock::now() < until);
  EXPECT_NE(answer.find("\"name\":\"stopping\""), std::string::npos) << answer;
}

TEST_F(http_door_test, the_end_of_the_bridge_ends_requests_that_wait) {
  auto asked = std::make_shared<log_of<int>>();
  listen([asked](auto) {
    asked->add(1);
    return msg<schema::HttpReply>{};
  });
  http_client c{address};
  c.send(plain_get);
  EXPECT_TRUE(asked->wait([](auto& all) { return all.size() == 1; }));
  edge.reset();
  EXPECT_FALSE(c.read_until("HTTP")) << "the connection is closed";
}

TEST(rate_limit, as_many_as_a_second_has_and_then_as_time_gives) {
  using std::chrono::milliseconds;
  net::rate_limit limit{10};
  milliseconds now{5'000};
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(limit.take(now)) << i;
  EXPECT_FALSE(limit.take(now));
  EXPECT_FALSE(limit.take(now + milliseconds{50}));
  EXPECT_TRUE(limit.take(now + milliseconds{150}));
  EXPECT_FALSE(limit.take(now + milliseconds{150}));
  now += milliseconds{60'000};
  int fit = 0;
  while (limit.take(now))
    ++fit;
  EXPECT_EQ(fit, 10) << "what was not used does not pile up";
}

} // namespace
