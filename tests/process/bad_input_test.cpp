// Guards what a user or a stranger may do wrong with running processes: one clear line, a code, nothing lost.
#include "persistence/npy.hpp"
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace muster::test {
namespace {

namespace fs = std::filesystem;

void expect_refused(const outcome& o, int code, const std::string& text) {
  EXPECT_EQ(o.code, code) << o.err;
  EXPECT_NE(o.err.find(text), std::string::npos) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << "one line: " << o.err;
}

TEST(bad_input, requests_are_refused_with_the_reason) {
  cluster c{2};
  c.import_small("small", 100);
  expect_refused(c.muster({"load", "absent"}), 1, "collection_not_found");
  expect_refused(c.muster({"search", "small", "--vector-file", c.vectors(1), "--deadline-ms", "300"}), 1,
                 "muster load small");
  expect_refused(c.muster({"search", "absent", "--vector-file", c.vectors(1), "--deadline-ms", "300"}), 1,
                 "collection_not_found");
  expect_refused(c.muster({"load", "small", "--replicas", "3"}), 1, "has 2 nodes for 3 replicas");
  c.must({"load", "small", "--replicas", "2"});
  expect_refused(c.muster({"search", "small", "--vector-file", c.vectors(1, 1, 5)}), 1, "dimension");
  expect_refused(c.muster({"drop", "small"}), 1, "collection_loaded");
  const auto call = c.muster({"call", "describeCollection", R"({"collection":"absent"})"});
  expect_refused(call, 1, "collection_not_found (100)");
  EXPECT_NE(call.out.find("collection_not_found"), std::string::npos) << "the reply is printed too: " << call.out;
  expect_refused(c.muster({"call", "describeColection"}), 1, "describeCollection");
  expect_refused(c.muster({"call", "getStatus", R"({"foo":1})"}), 1, "Unknown field; foo");
  expect_refused(c.muster({"call", "getStatus", "{broken"}), 1, "JSON");
  EXPECT_EQ(c.muster({"search", "small", "--vector-file", c.vectors(1)}).code, 0) << "nothing is lost";
}

TEST(bad_input, wrong_usage_is_code_2_and_no_coordinator_code_3) {
  for (auto& arguments : std::vector<std::vector<std::string>>{
           {},
           {"lod"},
           {"load"},
           {"load", "x", "--replicas", "0"},
           {"load", "x", "--replicas", "many"},
           {"search", "x"},
           {"search", "x", "--vector-file", "y", "-k", "0"},
           {"node", "--name", "a b", "--join", "127.0.0.1:1", "--listen", "127.0.0.1:0", "--data", "/tmp"},
           {"status", "--coordinator", "nowhere"}})
    EXPECT_EQ(run_muster(arguments).code, 2) << (arguments.empty() ? "" : arguments[0]);
  for (auto* command : {"status", "collections", "actors"})
    expect_refused(run_muster({command, "--coordinator", "127.0.0.1:1"}), 3, "127.0.0.1:1");
}

TEST(bad_input, queries_that_have_no_answer_are_refused) {
  cluster c{1};
  c.must({"import", "round", "--vectors", c.vectors(100), "--metric", "cosine"});
  c.must({"load", "round"});
  const auto search = [&](const std::string& name, const std::vector<float>& values) {
    EXPECT_TRUE(write_npy(c.path() + "/" + name, 8, values));
    return c.muster({"search", "round", "--vector-file", c.path() + "/" + name});
  };
  std::vector<float> values(16, 1);
  values[12] = NAN;
  expect_refused(search("nan.npy", values), 1, "nan.npy: row 1");
  std::fill(values.begin() + 8, values.end(), 0.0f);
  expect_refused(search("zero.npy", values), 1, "no direction under cosine");
  expect_refused(c.muster({"search", "round", "--vector-file", c.path() + "/absent.npy"}), 1, "absent.npy");
  EXPECT_EQ(c.muster({"search", "round", "--vector-file", c.vectors(5)}).code, 0) << "nothing is lost";
}

TEST(bad_input, what_is_given_goes_before_the_environment) {
  for (auto* command : {"status", "actors", "collections"}) {
    process p{MUSTER_BINARY, {command, "--coordinator", "127.0.0.1:1"}, {{"MUSTER_COORDINATOR", "127.0.0.1:2"}}};
    ASSERT_TRUE(p.await_end(seconds{20}));
    EXPECT_EQ(p.code(), 3) << p.err();
    EXPECT_NE(p.err().find("at 127.0.0.1:1:"), std::string::npos) << p.err();
    process q{MUSTER_BINARY, {command}, {{"MUSTER_COORDINATOR", "127.0.0.1:2"}}};
    ASSERT_TRUE(q.await_end(seconds{20}));
    EXPECT_NE(q.err().find("at 127.0.0.1:2:"), std::string::npos) << q.err();
  }
}

TEST(bad_input, help_and_version_are_everywhere) {
  for (auto* command : {"", "coordinator", "node", "fleet", "import", "load", "release", "collections", "drop", "status", "wait",
                        "actors", "search", "recall", "probe", "call"}) {
    std::vector<std::string> arguments;
    if (*command != '\0')
      arguments.emplace_back(command);
    for (auto* flag : {"--help", "--version"}) {
      auto with = arguments;
      with.emplace_back(flag);
      const auto o = run_muster(with);
      EXPECT_EQ(o.code, 0) << command << ' ' << flag << o.err;
      EXPECT_FALSE(o.out.empty()) << command << ' ' << flag;
    }
  }
}

TEST(bad_input, only_loopback_and_free_ports_can_be_listened_on) {
  cluster c;
  c.start_coordinator();
  const auto coordinator_at = [&](const std::string& address) {
    return run_muster({"coordinator", "--data", c.path() + "/other", "--listen", address, "--store", c.store(), "--http", "off"},
                      seconds{10});
  };
  expect_refused(coordinator_at("0.0.0.0:0"), 1, "loopback");
  expect_refused(coordinator_at(c.address()), 1, "Address already in use");
  expect_refused(coordinator_at("127.0.0.1"), 1, "port");
  const auto node_at = [&](const std::string& address) {
    return run_muster({"node", "--name", "n", "--join", c.address(), "--listen", address, "--data", c.path() + "/n",
                       "--store", c.store()},
                      seconds{10});
  };
  expect_refused(node_at("0.0.0.0:0"), 1, "loopback");
  expect_refused(node_at(c.address()), 1, "Address already in use");
  EXPECT_NE(c.must({"status", "--json"}).find("\"nodes\":[]"), std::string::npos) << "it never joined";
}

TEST(bad_input, settings_are_checked_and_the_nearest_named) {
  cluster c;
  const auto with = [&](const std::string& text) {
    std::ofstream{c.path() + "/muster.yaml"} << text;
    return run_muster({"coordinator", "--data", c.path() + "/d", "--listen", "127.0.0.1:0", "--store", c.store(), "--http", "off",
                       "--config", c.path() + "/muster.yaml"},
                      seconds{10});
  };
  expect_refused(with("node_gon_ms: 5000\n"), 1, "did you mean \"node_gone_ms\"");
  expect_refused(with("node_gone_ms: soon\n"), 1, "muster.yaml:1");
  expect_refused(with("node_gone_ms: -1\n"), 1, "from 100");
  expect_refused(with("node_gone_ms: 1500\nnode_gone_ms: 1500\n"), 1, "twice");
  expect_refused(with("- a list\n"), 1, "node_gone_ms");
  expect_refused(with("{ broken"), 1, "YAML");
  std::ofstream{c.path() + "/muster.yaml"} << "node_gone_ms: 3000\n";
  c.start_coordinator({"--config", c.path() + "/muster.yaml"});
  EXPECT_NE(c.coordinator().err().find("node_gone_ms 3000"), std::string::npos);
}

TEST(bad_input, whatever_prints_a_table_prints_json_too) {
  cluster c{1};
  c.import_small("small", 100);
  c.must({"load", "small"});
  for (auto& arguments : std::vector<std::vector<std::string>>{
           {"collections"}, {"status"}, {"actors"}, {"wait"}, {"search", "small", "--vector-file", c.vectors(5)}}) {
    auto with = arguments;
    with.emplace_back("--json");
    const auto text = c.must(with);
    ASSERT_FALSE(text.empty()) << arguments[0];
    EXPECT_TRUE(text[0] == '[' || text[0] == '{') << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << "one document, one line: " << text;
    EXPECT_NE(c.must(arguments)[0], text[0]) << arguments[0];
  }
}

TEST(bad_input, garbage_on_a_port_harms_nobody) {
  cluster c{1};
  c.import_small("small", 100);
  c.must({"load", "small"});
  const auto node_says = c.node("node-1").out();
  const auto after = [](const std::string& text, const std::string& key) {
    return text.substr(text.find(key) + key.size());
  };
  // The coordinator's port and the node's.
  for (auto& address : {c.address(), after(node_says, "listening on ")})
    for (auto& bytes : {std::string{"GET / HTTP/1.1\r\n\r\n"}, std::string(100'000, '\xff'), std::string(64, '\0')}) {
      const auto port = static_cast<std::uint16_t>(std::stoi(after(address, ":")));
      const auto fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in at{};
      at.sin_family = AF_INET;
      at.sin_port = htons(port);
      at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
      EXPECT_GT(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
      close(fd);
    }
  EXPECT_TRUE(c.whole());
  EXPECT_EQ(c.muster({"search", "small", "--vector-file", c.vectors(5)}).code, 0);
}

// The segment files of a collection, biggest id last.
std::vector<fs::path> segment_files(const std::string& store) {
  std::vector<fs::path> out;
  for (auto& entry : fs::recursive_directory_iterator{store})
    if (entry.path().extension() == ".segment")
      out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

TEST(bad_input, missing_and_damaged_segment_files_hurt_their_collection_only) {
  cluster c{1};
  c.import_small("hurt", 100);
  const auto files = segment_files(c.store());
  ASSERT_GE(files.size(), 2u);
  c.import_small("well", 100);
  fs::rename(files[0], files[0].string() + ".away");
  const auto missing = c.muster({"load", "hurt", "--timeout-s", "3"});
  expect_refused(missing, 1, files[0].filename().string());
  c.must({"load", "well"});
  EXPECT_EQ(c.muster({"search", "well", "--vector-file", c.vectors(5)}).code, 0);
  fs::rename(files[0].string() + ".away", files[0]);
  c.must({"release", "hurt"});
  {
    std::fstream file{files[0], std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(fs::file_size(files[0]) / 2));
    file.write("\xde\xad\xbe\xef", 4);
  }
  const auto damaged = c.muster({"load", "hurt", "--timeout-s", "3"});
  expect_refused(damaged, 1, files[0].filename().string());
  EXPECT_EQ(c.muster({"search", "well", "--vector-file", c.vectors(5)}).code, 0);
  EXPECT_TRUE(c.node("node-1").running());
}

} // namespace
} // namespace muster::test
