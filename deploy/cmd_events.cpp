// `events`, `timeline`, `explain`, `why-moved`, `what-if`, `trace`: what happened, why it is so, what would be.
#include "deploy/commands.hpp"

#include <algorithm>
#include <iostream>

namespace muster::cli {

namespace {

using event = schema::Event::Reader;

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

/// "segment 42 of words, replica 7, on node-1".
std::string about(const known_names& names, event e) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  if (e.getSegment() != 0)
    add("segment " + std::to_string(e.getSegment()));
  if (e.getChannel().size() > 0)
    add("channel " + text(e.getChannel()));
  if (e.getCollection() != 0)
    add(names.collection(e.getCollection()));
  if (e.getReplica() != 0)
    add("replica " + std::to_string(e.getReplica()));
  if (e.getSource() != 0)
    add(names.node(e.getSource()) + " to " + names.node(e.getNode()));
  else if (e.getNode() != 0)
    add(names.node(e.getNode()));
  return out;
}

std::string decision_text(const known_names& names, schema::Decision::Reader d, const std::string& indent) {
  if (d.getRule().size() == 0 && d.getWinner() == 0)
    return {};
  auto out = indent + "why: " + text(d.getRule());
  if (d.getWinner() != 0)
    out += ", " + names.node(d.getWinner()) + " scores " + fixed(d.getScore(), 4);
  if (d.getRunnerUp() != 0)
    out += ", next best " + names.node(d.getRunnerUp()) + " " + fixed(d.getRunnerUpScore(), 4);
  if (d.getGain() != 0)
    out += ", gain " + fixed(d.getGain(), 4);
  out += "\n" + indent + "     on situation " + std::to_string(d.getSituation()) + ", target " + std::to_string(d.getTargetVersion()) + "\n";
  if (d.getCandidates().size() > 0) {
    table t{{"NODE", "VERDICT", "SCORE", "NUMBERS"}};
    for (auto n : d.getCandidates())
      t.row({n.getName().size() > 0 ? text(n.getName()) : names.node(n.getNode()), text(n.getVerdict()), fixed(n.getScore(), 4), text(n.getText())});
    out += t.str(indent.size());
  }
  return out;
}

std::string line_of(const known_names& names, event e) {
  auto out = time_text(e.getAt()) + " " + plain_name_of(e.getKind());
  if (e.getTask() != 0)
    out += " " + snake_case(view(e.getTaskKind())) + " " + std::to_string(e.getTask());
  if (const auto what = about(names, e); !what.empty())
    out += " " + what;
  if (e.getOutcome().size() > 0)
    out += ": " + text(e.getOutcome());
  if (e.getTookUs() > 0)
    out += " after " + (e.getTookUs() < 10'000 ? std::to_string(e.getTookUs()) + " us" : duration_text(e.getTookUs() / 1'000));
  if (e.getText().size() > 0)
    out += (e.getOutcome().size() > 0 ? ", " : ": ") + text(e.getText());
  if (e.getTraceId() != 0)
    out += " [trace " + std::to_string(e.getTraceId()) + "]";
  return out + "\n";
}

struct question {
  std::string subject;
  std::string name;
  std::uint64_t after = 0;
  std::uint32_t limit = 0;
  bool candidates = false;
};

msg<schema::ListEventsReply> ask(session& s, const question& q, std::uint32_t wait_ms = 0) {
  return s.ask<schema::ListEventsRequest>([&](auto b) {
    b.setSubject(q.subject);
    b.setName(q.name);
    b.setAfter(q.after);
    b.setLimit(q.limit);
    b.setWaitMs(wait_ms);
    b.setWithCandidates(q.candidates);
  });
}

/// Prints what there is, and with `follow` what comes, until Ctrl-C.
int show(command_context& c, question q, bool follow, bool decisions) {
  auto names = c.json ? known_names{} : names_of(c.coordinator);
  if (follow)
    hold_interrupts();
  std::uint64_t lost = 0;
  for (bool first = true;; first = false) {
    const auto reply = ask(c.coordinator, q, follow && !first ? 500 : 0);
    if (c.json && !follow) {
      std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
      return done;
    }
    if (!c.json && !first && reply->getEvents().size() > 0)
      names = names_of(c.coordinator);
    for (auto e : reply->getEvents())
      if (c.json)
        std::cout << reply_json(capnp::toDynamic(e)) << '\n' << std::flush;
      else
        print(c, line_of(names, e) + (decisions ? decision_text(names, e.getDecision(), "    ") : ""));
    if (first && reply->getEvents().size() == 0 && !follow)
      print(c, "no events are known" + (q.subject.empty() ? std::string{} : " of " + q.subject + " " + q.name) + "\n");
    q.after = std::max<std::uint64_t>(reply->getNext(), q.after);
    if (!first && reply->getLost() > lost && !c.json)
      print(c, std::to_string(reply->getLost() - lost) + " events were lost: too many came at once\n");
    lost = reply->getLost();
    if (!follow || was_interrupted())
      break;
    if (q.after == 0) // nothing has happened yet: a question without `after` would be answered at once
      c.coordinator.wait(c.coordinator.io().provider->getTimer().afterDelay(200 * kj::MILLISECONDS));
  }
  if (follow)
    release_interrupts();
  return done;
}

std::string subject_in(arguments& a) {
  const auto subject = a.word("a kind of thing (segment, channel, replica, collection, node or task)");
  if (std::find(subjects().begin(), subjects().end(), subject) == subjects().end())
    throw command_error{usage, "\"" + subject + "\" is none of segment, channel, replica, collection, node, task"};
  return subject;
}

int events(command_context& c, arguments& a) {
  question q;
  const bool follow = a.flag("-f") || a.flag("--follow");
  const bool why = a.flag("--why");
  q.limit = static_cast<std::uint32_t>(a.number("-n", 20, 1, 10'000));
  q.candidates = a.flag("--candidates");
  if (!a.empty()) {
    q.subject = subject_in(a);
    q.name = a.word("its name or id");
  }
  a.end();
  return show(c, q, follow, why || q.candidates);
}

int timeline(command_context& c, arguments& a) {
  question q;
  q.limit = static_cast<std::uint32_t>(a.number("-n", 1'000, 1, 10'000));
  q.subject = subject_in(a);
  q.name = a.word("its name or id");
  a.end();
  return show(c, q, false, true);
}

int why_moved(command_context& c, arguments& a) {
  question q;
  q.subject = "segment";
  q.limit = 10'000;
  q.candidates = true;
  q.name = a.word("the id of a segment");
  a.end();
  const auto reply = ask(c.coordinator, q);
  const auto names = c.json ? known_names{} : names_of(c.coordinator);
  std::string json;
  std::string out;
  for (auto e : reply->getEvents()) {
    if (e.getKind() != schema::EventKind::TASK_ADMITTED || snake_case(view(e.getTaskKind())) != "move_segment")
      continue;
    json += (json.empty() ? "" : ",") + reply_json(capnp::toDynamic(e));
    out += line_of(names, e) + decision_text(names, e.getDecision(), "    ");
  }
  if (c.json)
    std::cout << '[' << json << "]\n";
  else
    print(c, out.empty() ? "segment " + q.name + " was not moved, as far back as is known; `explain segment " + q.name + "` says why it is where it is\n" : out);
  return done;
}

std::string verdicts(capnp::List<schema::NodeVerdict>::Reader all) {
  table t{{"NODE", "VERDICT", "SCORE", "NUMBERS"}};
  for (auto n : all)
    t.row({n.getName().size() > 0 ? text(n.getName()) : std::to_string(n.getNode()), text(n.getVerdict()), fixed(n.getScore(), 4), text(n.getText())});
  return t.empty() ? std::string{} : t.str(2);
}

int explain(command_context& c, arguments& a) {
  const auto collection = a.value("--collection");
  const auto subject = subject_in(a);
  const auto name = a.word("its name or id");
  a.end();
  const auto reply = c.coordinator.ask<schema::ExplainRequest>([&](auto b) {
    b.setSubject(subject);
    b.setName(name);
    b.setCollection(collection.value_or(""));
  });
  if (c.json) {
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
    return done;
  }
  const auto e = reply->getExplanation();
  std::string out = text(e.getSubject()) + (e.getServed() ? ": as it should be\n" : ": not as it should be\n");
  out += paragraph("  wanted", text(e.getDesired()));
  out += paragraph("  is", text(e.getActual()));
  if (!e.getServed() || e.getCause() != "none") {
    out += paragraph("  cause", text(e.getCause()) + (e.getCauseText().size() > 0 ? ": " + text(e.getCauseText()) : "")
                                  + (e.getReplica() != 0 ? " (replica " + std::to_string(e.getReplica()) + ")" : ""));
    out += paragraph("  since", e.getSinceMs() < 0 ? "not known" : duration_text(e.getSinceMs()));
    out += paragraph("  unblocked by", text(e.getUnblockedBy()) + (e.getUnblockText().size() > 0 ? ": " + text(e.getUnblockText()) : ""));
  }
  out += paragraph("  why here", text(e.getWhyHere()));
  out += paragraph("  would move", text(e.getWouldMove()));
  out += verdicts(e.getNodes());
  if (c.verbose)
    for (auto condition : e.getConditions())
      out += paragraph(condition.getMet() ? "  met" : "  not met", text(condition.getName()) + ": " + text(condition.getText()));
  for (auto other : e.getElsewhere())
    out += paragraph("  also", text(other));
  print(c, out);
  return done;
}

int what_if(command_context& c, arguments& a) {
  const auto add = a.number("--add-nodes", 0, 0, static_cast<std::int64_t>(limits::nodes));
  const auto remove = a.values("--remove-node");
  const auto settings = a.values("--set");
  const auto moves = a.number("--moves", 20, 1, 10'000);
  const auto collection = a.word_or("");
  a.end();
  for (const auto& s : settings)
    if (const auto equals = s.find('='); equals == std::string::npos || equals == 0)
      throw command_error{usage, "--set has \"" + s + "\"; write KEY=VALUE"};
  const auto reply = c.coordinator.ask<schema::WhatIfRequest>([&](auto b) {
    b.setCollection(collection);
    b.setAddNodes(static_cast<std::uint32_t>(add));
    b.setMoves(static_cast<std::uint32_t>(moves));
    auto names = b.initRemoveNodes(static_cast<unsigned>(remove.size()));
    for (unsigned i = 0; i < names.size(); ++i)
      names.set(i, remove[i]);
    auto list = b.initSettings(static_cast<unsigned>(settings.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      const auto equals = settings[i].find('=');
      list[i].setKey(settings[i].substr(0, equals));
      list[i].setValue(settings[i].substr(equals + 1));
    }
  });
  if (c.json) {
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
    return done;
  }
  print(c, counted(reply->getTotal(), "move") + " of " + counted(reply->getRows(), "row") + ", potential " + fixed(reply->getBefore(), 1) + " before and "
             + fixed(reply->getAfter(), 1) + " after, " + counted(reply->getCollections(), "collection") + "; nothing was touched\n");
  if (reply->getUnplaced() > 0)
    print(c, std::to_string(reply->getUnplaced()) + " segments and channels would have no node\n");
  table loads{{"NODE", "ROWS", "THEN", "SEGMENTS", "THEN", "LEADS", "THEN"}};
  for (auto n : reply->getNodes())
    loads.row({text(n.getNode()), with_commas(n.getRowsBefore()), with_commas(n.getRowsAfter()), with_commas(n.getSegmentsBefore()),
               with_commas(n.getSegmentsAfter()), std::to_string(n.getChannelsBefore()), std::to_string(n.getChannelsAfter())});
  if (!loads.empty())
    print(c, loads.str());
  table t{{"COLLECTION", "REPLICA", "WHAT", "FROM", "TO", "ROWS", "GAIN"}};
  for (auto m : reply->getMoves())
    t.row({text(m.getCollection()), std::to_string(m.getReplica()), m.getSegment() != 0 ? std::to_string(m.getSegment()) : text(m.getChannel()),
           text(m.getSource()), text(m.getNode()), with_commas(m.getRows()), fixed(m.getGain(), 1)});
  if (!t.empty())
    print(c, "\n" + t.str());
  if (reply->getTotal() > reply->getMoves().size())
    print(c, "and " + std::to_string(reply->getTotal() - reply->getMoves().size()) + " more; --moves names more of them\n");
  return done;
}

/// Request, commit, tasks and the work of nodes in order, each with the time since the first.
int trace(command_context& c, arguments& a) {
  question q;
  q.subject = "trace";
  q.limit = 10'000;
  q.name = a.word("the id of a trace");
  a.end();
  const auto reply = ask(c.coordinator, q);
  if (c.json) {
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
    return done;
  }
  if (reply->getEvents().size() == 0)
    throw command_error{failed, "nothing is known of trace " + q.name + "; it ended too long ago, or no request had it"};
  const auto names = names_of(c.coordinator);
  const auto begin = reply->getEvents()[0].getAt();
  auto end = begin;
  const auto ms = [](std::int64_t us) { return us > 0 ? fixed(static_cast<double>(us) / 1e3, 3) : std::string{}; };
  table t{{"AFTER MS", "TOOK", "WAITED", "NODE", "WHAT", "OF"}};
  std::map<std::string, std::size_t> count;
  for (auto e : reply->getEvents()) {
    const auto kind = plain_name_of(e.getKind());
    ++count[kind];
    end = std::max<std::int64_t>(end, e.getAt());
    auto what = kind + (e.getTaskKind().size() > 0 ? " " + snake_case(view(e.getTaskKind())) : "");
    auto of = about(names, e);
    for (const auto& part : {text(e.getOutcome()), text(e.getText())})
      if (!part.empty())
        of += (of.empty() ? "" : ": ") + part;
    t.row({fixed(static_cast<double>(e.getAt() - begin) / 1e6, 3), ms(e.getTookUs()), ms(e.getWaitedUs()), ms(e.getWorkedUs()),
           what, of});
  }
  std::string sum;
  for (const auto& [kind, n] : count)
    sum += (sum.empty() ? "" : ", ") + std::to_string(n) + " " + kind;
  print(c, paragraph("", "trace " + q.name + ", begun " + time_text(begin) + ", " + fixed(static_cast<double>(end - begin) / 1e6, 3) + " ms: " + sum) + t.str());
  return done;
}

} // namespace

void add_event_commands(std::vector<inside_command>& to) {
  to.push_back({"events", "events [SUBJECT NAME] [-f] [-n N] [--why] [--candidates]",
                "Show what happened; -f goes on until Ctrl-C, --why adds the decisions behind tasks", "events -f", {noun::subject, noun::any_of_subject}, &events});
  to.push_back({"timeline", "timeline SUBJECT NAME [-n N]", "Show all that happened to one segment, channel, replica, collection, node or task",
                "timeline segment 42", {noun::subject, noun::any_of_subject}, &timeline});
  to.push_back({"explain", "explain SUBJECT NAME [--collection C] [--verbose]",
                "Say why something is not as it should be, or why it is where it is, and what would change that",
                "explain collection words", {noun::subject, noun::any_of_subject}, &explain});
  to.push_back({"why-moved", "why-moved SEGMENT", "Show the moves of a segment and how the nodes compared", "why-moved 42", {noun::segment}, &why_moved});
  to.push_back({"what-if", "what-if [COLLECTION] [--add-nodes N] [--remove-node NODE] [--set KEY=VALUE] [--moves N]",
                "Show which moves there would be if nodes came or went or settings were others; nothing is touched",
                "what-if words --add-nodes 2", {noun::collection}, &what_if});
  to.push_back({"trace", "trace ID", "Show the path of one request: when it came and was answered, its tasks, how long they waited and nodes worked", "trace 7234567890123", {noun::none}, &trace});
}

} // namespace muster::cli
