// What people see and do inside a running coordinator: restarts, taps, tasks, the journal, levels of the log.
#include "actors/runtime/log.hpp"
#include "tests/support/local_cluster.hpp"
#include "actors/runtime/shell.hpp"
#include "messages/status.hpp"

#include <gtest/gtest.h>

#include <set>

namespace muster {
namespace {

using Request = schema::ClientRequest;

struct inside : testing::Test {
  template <class Fill>
  msg<schema::ClientReply> ask(Fill fill) {
    return cluster.ask(build<Request>([&](Request::Builder b) { fill(b); }));
  }

  failure restart(const char* name) {
    const auto reply = ask([&](auto b) { b.initRestartActor().setName(name); });
    return to_failure(reply->getRestartActor().getStatus());
  }

  probe_report actor(const char* name) {
    const auto all = probes_of(cluster.system()).reports(name, 0);
    return all.empty() ? probe_report{} : all[0];
  }

  msg<schema::ClientReply> tap(const char* name, std::uint64_t after = 0, bool frames = false, bool again = false) {
    return ask([&](auto b) {
      auto t = b.initTapActor();
      t.setActor(name);
      t.setAfter(after);
      t.setWaitMs(after == 0 ? 0 : 2'000);
      t.setPerSecond(10'000);
      t.setFrames(frames);
      t.setRestart(again);
    });
  }

  /// "<publication >Proposals " of what a tap has seen, until `until` is in it.
  std::string seen(const char* name, std::uint64_t& after, const std::string& until) {
    std::string out;
    for (int i = 0; i < 50 && out.find(until) == std::string::npos; ++i) {
      const auto reply = tap(name, after);
      EXPECT_EQ(reply->getTapActor().getStatus().getCode(), 0) << view(reply->getTapActor().getStatus().getReason());
      after = reply->getTapActor().getNext();
      for (auto m : reply->getTapActor().getMessages())
        out += (m.getOut() ? ">" : "<") + std::string{view(m.getType())} + " ";
    }
    return out;
  }

  bool loads(const char* name) {
    return cluster.load(name)->getLoadCollection().getStatus().getCode() == 0;
  }

  local_cluster cluster{local_cluster_options{.nodes = 2}};
};

TEST_F(inside, whoever_loses_nothing_is_restarted_in_place_and_goes_on) {
  cluster.import("words", 8, 10, 2);
  for (const char* name : {"segment_checker", "channel_checker", "leader_checker", "index_checker", "balance_checker", "replica_observer",
                           "resource_observer", "inspector"}) {
    const auto why = restart(name);
    EXPECT_EQ(why.code, ec::ok) << name << ": " << why.text;
    EXPECT_EQ(actor(name).restarts, 1u) << name;
    EXPECT_EQ(actor(name).state, "running") << name;
  }
  EXPECT_TRUE(loads("words")) << "the new ones do the work";
  ASSERT_EQ(restart("segment_checker").code, ec::ok);
  cluster.import("more", 8, 10, 2);
  EXPECT_TRUE(loads("more"));
}

TEST_F(inside, whose_end_would_end_the_process_is_not_restarted_and_the_answer_says_what_would_be_lost) {
  for (const char* name : {"journal", "metadata", "data_source", "distribution", "task_scheduler", "route_publisher", "collection_observer",
                           "target_observer", "tap_desk", "checker_controller", "gateway", "node_manager"}) {
    const auto why = restart(name);
    EXPECT_EQ(why.code, ec::parameter_invalid) << name;
    EXPECT_NE(why.text.find(std::string{"restarting "} + name + " would end the process: "), std::string::npos) << why.text;
    EXPECT_NE(why.text.find("segment_checker"), std::string::npos) << "it names those that can be: " << why.text;
    EXPECT_EQ(actor(name).restarts, 0u);
  }
  EXPECT_NE(restart("nobody").text.find("no actor is named nobody"), std::string::npos);
  EXPECT_NE(restart("supervisor").code, ec::ok);
}

TEST_F(inside, so_many_restarts_that_one_more_would_end_the_process_are_refused) {
  for (std::size_t i = 0; i < limits::restarts; ++i)
    ASSERT_EQ(restart("index_checker").code, ec::ok) << i;
  EXPECT_EQ(restart("index_checker").code, ec::too_many_requests);
  cluster.import("words", 2, 10);
  EXPECT_TRUE(loads("words")) << "the process goes on";
}

TEST_F(inside, a_tap_shows_what_an_actor_hears_and_sends_and_only_while_it_is_asked_for) {
  cluster.import("words", 4, 10);
  EXPECT_FALSE(probes_of(cluster.system()).named("segment_checker")->tapped());
  const auto begun = tap("segment_checker");
  ASSERT_EQ(begun->getTapActor().getStatus().getCode(), 0) << view(begun->getTapActor().getStatus().getReason());
  EXPECT_TRUE(probes_of(cluster.system()).named("segment_checker")->tapped());
  auto after = begun->getTapActor().getNext();
  EXPECT_TRUE(loads("words"));
  const auto all = seen("segment_checker", after, ">Ack");
  EXPECT_NE(all.find("<publication "), std::string::npos) << all;
  EXPECT_NE(all.find(">Ack "), std::string::npos) << "answers too: " << all;
  const auto stale = tap("channel_checker", after);
  EXPECT_EQ(stale->getTapActor().getStatus().getCode(), static_cast<int>(ec::parameter_invalid)) << "another actor's";
}

TEST_F(inside, a_tap_that_begins_with_a_restart_holds_all_that_the_actor_knows) {
  cluster.import("words", 4, 10);
  EXPECT_TRUE(loads("words"));
  const auto begun = tap("segment_checker", 0, true, true);
  ASSERT_EQ(begun->getTapActor().getStatus().getCode(), 0) << view(begun->getTapActor().getStatus().getReason());
  ASSERT_EQ(begun->getTapActor().getMessages().size(), 1u);
  EXPECT_EQ(view(begun->getTapActor().getMessages()[0].getType()), "tap") << "whose record it is";
  auto after = begun->getTapActor().getNext();
  bool whole = false;
  for (int i = 0; i < 50 && !whole; ++i) {
    const auto reply = tap("segment_checker", after, true);
    after = reply->getTapActor().getNext();
    for (auto m : reply->getTapActor().getMessages())
      if (m.getType() == "publication") {
        ASSERT_GT(m.getFrames().size(), 0u);
        const auto header = parse<schema::PublicationHeader>(m.getFrames()[0]);
        ASSERT_TRUE(header);
        whole = whole || header->read().getWhole();
        EXPECT_GT(m.getTouched().size(), 0u);
      }
  }
  EXPECT_TRUE(whole) << "the first publication of a new subscriber is everything";
}

TEST_F(inside, the_gateway_can_be_tapped_and_does_not_show_the_tap_itself) {
  const auto begun = tap("gateway");
  auto after = begun->getTapActor().getNext();
  cluster.status();
  const auto all = seen("gateway", after, ">ClientReply");
  EXPECT_NE(all.find("<ClientRequest "), std::string::npos) << all;
  EXPECT_EQ(all.find("TapActor"), std::string::npos) << all;
}

TEST_F(inside, tasks_are_listed_with_names_in_place_of_numbers) {
  cluster.import("words", 4, 10, 2);
  EXPECT_TRUE(loads("words"));
  const auto reply = ask([](auto b) { b.initListTasks().setCollection("words"); });
  ASSERT_EQ(reply->getListTasks().getStatus().getCode(), 0);
  std::set<std::string> kinds;
  for (auto t : reply->getListTasks().getTasks()) {
    kinds.insert(std::string{view(t.getKind())});
    EXPECT_EQ(view(t.getStatus()), "succeeded");
    EXPECT_EQ(view(t.getEnd()), "done");
    EXPECT_EQ(view(t.getProposer()), "channel_checker");
    EXPECT_GT(t.getReason().size(), 0u);
  }
  EXPECT_TRUE(kinds.contains("serve_shard"));
  const auto one = ask([](auto b) { b.initListTasks().setLimit(1); });
  EXPECT_EQ(one->getListTasks().getTasks().size(), 1u);
}

TEST_F(inside, records_of_the_journal_are_read_as_json_page_by_page) {
  cluster.import("words", 2, 10);
  EXPECT_TRUE(loads("words"));
  std::set<std::string> kinds;
  std::uint64_t after = 1;
  std::uint64_t last = 0;
  for (int pages = 0; pages < 100; ++pages) {
    const auto reply = ask([&](auto b) {
      auto r = b.initReadJournal();
      r.setAfter(after);
      r.setLimit(2);
    });
    ASSERT_EQ(reply->getReadJournal().getStatus().getCode(), 0);
    last = reply->getReadJournal().getLast();
    if (reply->getReadJournal().getRecords().size() == 0)
      break;
    for (auto r : reply->getReadJournal().getRecords()) {
      EXPECT_GT(r.getSeq(), after);
      after = r.getSeq();
      kinds.insert(std::string{view(r.getKind())});
      EXPECT_EQ(view(r.getJson()).find("unreadable"), std::string::npos) << view(r.getJson());
      if (r.getKind() == "collection")
        EXPECT_NE(view(r.getJson()).find("\"words\""), std::string::npos) << view(r.getJson());
    }
  }
  EXPECT_EQ(after, last);
  for (const char* kind : {"collection", "target_head", "target_segments", "node", "allocator"})
    EXPECT_TRUE(kinds.contains(kind)) << kind;
}

TEST_F(inside, a_trace_of_a_request_is_that_of_its_collection) {
  cluster.import("words", 2, 10);
  const auto reply = cluster.ask(build<Request>([](Request::Builder b) {
    b.initHeader().setTraceId(4711);
    b.initLoadCollection().setCollection("words");
  }));
  ASSERT_EQ(reply->getLoadCollection().getStatus().getCode(), 0);
  const auto journal = ask([](auto b) { b.initReadJournal().setLimit(1'000); });
  std::string rows;
  for (auto r : journal->getReadJournal().getRecords())
    if (r.getKind() == "collection")
      rows = view(r.getJson());
  EXPECT_NE(rows.find("\"traceId\":\"4711\""), std::string::npos) << rows;
}

TEST_F(inside, levels_of_the_log_are_set_for_a_kind_of_actor_and_taken_back) {
  const auto level = [&](const char* channel, const char* to) {
    const auto reply = ask([&](auto b) {
      auto r = b.initSetLogLevel();
      r.setChannel(channel);
      r.setLevel(to);
    });
    EXPECT_EQ(reply->getSetLogLevel().getStatus().getCode(), 0) << view(reply->getSetLogLevel().getStatus().getReason());
    std::string out;
    for (auto l : reply->getSetLogLevel().getLevels())
      if (l.getKey().size() > 0)
        out += std::string{view(l.getKey())} + "=" + std::string{view(l.getValue())} + " ";
    return out;
  };
  EXPECT_EQ(level("", ""), "");
  EXPECT_EQ(level("segment_checker", "error"), "segment_checker=error ");
  EXPECT_FALSE(log::enabled(log::severity::warn, "segment_checker"));
  EXPECT_TRUE(log::enabled(log::severity::error, "segment_checker"));
  EXPECT_FALSE(log::enabled(log::severity::error, "channel_checker")) << "nothing is open in this process";
  EXPECT_EQ(level("segment_checker", "default"), "");
  EXPECT_FALSE(log::enabled(log::severity::error, "segment_checker"));
}

} // namespace
} // namespace muster
