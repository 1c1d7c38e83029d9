// Events in, answers out.
#include "actors/core/inspection.hpp"

#include "actors/core/answers.hpp"
#include "actors/core/names.hpp"
#include "actors/core/proposal.hpp"
#include "messages/status.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace muster {

namespace {

using schema::EventKind;

constexpr std::array<std::string_view, 8> verdict_names{"accepted",     "node_unavailable", "outside_replica", "outside_channel",
                                                        "holds_copy",   "memory_full",      "failing",         "chosen"};

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
  Number x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return x;
}

/// Remembers a problem; the oldest goes when there are too many.
template <class Map, class Key>
void remember(Map& map, const Key& key, std::string text, std::int64_t now) {
  const auto i = map.find(key);
  if (i != map.end()) {
    i->second.text = std::move(text);
    i->second.last = now;
    return;
  }
  if (map.size() >= limits::problems)
    map.erase(std::min_element(map.begin(), map.end(), [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  map.emplace(key, problem{std::move(text), now, now});
}

} // namespace

// -- candidate lists --------------------------------------------------------------------

void candidate_lists::keep(std::uint64_t number, const std::vector<node_verdict>& nodes) {
  std::vector<entry> list;
  list.reserve(nodes.size());
  for (const auto& n : nodes) {
    auto [i, fresh] = index_.try_emplace(n.node, static_cast<std::uint16_t>(nodes_.size()));
    if (fresh) {
      if (nodes_.size() > UINT16_MAX) { // more nodes than there may be: begin anew rather than name the wrong ones
        index_.erase(i);
        return;
      }
      nodes_.push_back(n.node);
    }
    const auto v = std::find(verdict_names.begin(), verdict_names.end(), n.verdict);
    list.push_back({static_cast<float>(n.score), i->second, static_cast<std::uint8_t>(v - verdict_names.begin())});
  }
  entries_ += list.size();
  lists_.emplace_back(number, std::move(list));
  while (lists_.size() > limits::candidate_lists || (lists_.size() > 1 && bytes() > limits::candidate_list_bytes)) {
    entries_ -= lists_.front().second.size();
    lists_.pop_front();
  }
}

std::optional<std::vector<node_verdict>> candidate_lists::of(std::uint64_t number, const situation& names) const {
  const auto i = std::lower_bound(lists_.begin(), lists_.end(), number, [](const auto& x, std::uint64_t n) { return x.first < n; });
  if (i == lists_.end() || i->first != number)
    return std::nullopt;
  std::vector<node_verdict> all;
  for (const auto& e : i->second) {
    auto& v = all.emplace_back();
    v.node = nodes_.at(e.node);
    const auto* row = names.node(v.node);
    v.name = row != nullptr ? row->name : std::to_string(v.node);
    v.verdict = e.verdict < verdict_names.size() ? verdict_names[e.verdict] : "unknown";
    v.score = e.score;
  }
  return all;
}

std::size_t candidate_lists::bytes() const {
  constexpr std::size_t list_overhead = 48;
  return entries_ * sizeof(entry) + lists_.size() * list_overhead;
}

// -- filters ----------------------------------------------------------------------------

bool event_filter::takes(const log_event& e) const {
  switch (about) {
    case subject::all:
      return true;
    case subject::segment:
      return e.segment == id;
    case subject::channel:
      return e.channel == channel && e.segment == 0;
    case subject::replica:
      return e.replica == id;
    case subject::collection:
      return e.collection == id;
    case subject::node:
      return e.node == id || e.source == id;
    case subject::task:
      return e.task == id;
    case subject::trace:
      return e.trace_id == trace;
  }
  return false;
}

result<event_filter> inspection::filter_of(schema::ListEventsRequest::Reader request, const situation& s) const {
  using subject = event_filter::subject;
  const auto about = view(request.getSubject());
  const auto name = view(request.getName());
  event_filter f;
  if (about.empty())
    return f;
  constexpr std::array<std::pair<std::string_view, subject>, 7> subjects{{{"segment", subject::segment},
                                                                          {"channel", subject::channel},
                                                                          {"replica", subject::replica},
                                                                          {"collection", subject::collection},
                                                                          {"node", subject::node},
                                                                          {"task", subject::task},
                                                                          {"trace", subject::trace}}};
  const auto i = std::find_if(subjects.begin(), subjects.end(), [&](const auto& x) { return x.first == about; });
  if (i == subjects.end())
    return failure{ec::parameter_invalid, "subject is \"" + std::string{about}
                                            + "\"; it is segment, channel, replica, collection, node, task or trace"};
  f.about = i->second;
  if (f.about == subject::channel) {
    f.channel = name;
    if (name.empty())
      return failure{ec::parameter_invalid, "events of which channel? Give its name"};
    return f;
  }
  if (f.about == subject::trace) {
    const auto id = name.starts_with("0x") ? number_of<std::uint64_t>(name.substr(2), 16) : number_of<std::uint64_t>(name);
    if (!id || *id == 0)
      return failure{ec::parameter_invalid, "\"" + std::string{name} + "\" is no trace id; it is a number, or 0x and hexadecimal digits"};
    f.trace = *id;
    return f;
  }
  if (f.about == subject::collection)
    if (const auto* c = find_loaded(s, name)) {
      f.id = c->desired->id;
      return f;
    }
  if (f.about == subject::node)
    for (const auto& [id, n] : s.nodes())
      if (n.name == name) {
        f.id = id;
        return f;
      }
  const auto id = number_of<std::int64_t>(name);
  if (!id || *id == 0)
    return failure{ec::parameter_invalid, "no " + std::string{about} + " is known as \"" + std::string{name} + "\"; give its id"
                                            + (f.about == subject::collection ? ", it may be released" : "")};
  f.id = *id;
  return f;
}

// -- what comes in ------------------------------------------------------------------------

inspection::inspection(std::size_t task_limit, std::uint64_t first_number)
  : log_(limits::decisions, limits::event_log_bytes, first_number) {
  problems_.task_limit = task_limit;
}

void inspection::hear(const situation& s, const touched_map& touched, std::int64_t now) {
  for (const auto& e : watch_.look(s, touched, now)) {
    log_.add(e);
    if (e.kind == EventKind::COLLECTION_LOADING || e.kind == EventKind::COLLECTION_LOADED || e.kind == EventKind::COLLECTION_RELEASED)
      if (const auto* c = s.collection(e.collection); c != nullptr && c->desired)
      {
        problems_.given_up.erase(c->desired->name);
        problems_.refused_loads.erase(c->desired->name);
      }
    if (e.kind == EventKind::COLLECTION_RELEASED)
      problems_.pulls.erase(e.collection);
    if (e.kind == EventKind::NODE_JOINED)
      if (const auto* n = s.node(e.node))
        if (const auto i = problems_.refused.find(n->name);
            i != problems_.refused.end() && now - i->second.last > std::chrono::nanoseconds{limits::refused_node_remembered}.count())
          problems_.refused.erase(i);
  }
}

void inspection::news(schema::TaskNews::Reader news, const situation& s, const balance_settings& settings, std::int64_t now) {
  lost_ = news.getLost();
  const auto second = now / 1'000'000'000;
  if (second != second_) {
    second_ = second;
    listed_ = 0;
  }
  for (auto change : news.getChanges()) {
    const auto t = change.getTask();
    log_event e;
    e.kind = change.getKind();
    e.at = change.getAt();
    e.collection = t.getCollection();
    e.replica = t.getReplica();
    e.segment = t.getSegment();
    e.channel = view(t.getChannel());
    e.node = t.getNode();
    e.source = t.getSource();
    e.task = t.getId();
    e.task_kind = t.getKind();
    e.proposer = t.getProposer();
    e.trace_id = change.getTraceId();
    if (e.kind == EventKind::TASK_ADMITTED) {
      e.rule = static_cast<reason>(t.getReason());
      e.choice = read(change.getChoice());
      e.situation = change.getSituation();
      e.target_version = change.getTargetVersion();
    } else {
      e.outcome = static_cast<reason>(t.getEnd());
      e.text = view(t.getError());
      e.took_us = change.getTookUs();
      e.waited_us = change.getWaitedUs();
      e.worked_us = change.getWorkedUs();
    }
    const auto number = log_.add(e);
    if (e.kind != EventKind::TASK_ADMITTED || e.choice == balance_choice{} || listed_ >= limits::candidate_lists_per_s)
      continue;
    const auto* c = s.collection(e.collection);
    const auto* r = c != nullptr && c->desired && c->head ? c->desired->replica(e.replica) : nullptr;
    if (r == nullptr)
      continue;
    const auto& channels = c->head->channels;
    const auto channel = std::find(channels.begin(), channels.end(), e.channel);
    if (channel == channels.end())
      continue;
    const auto target = e.segment != 0 ? c->target_of(e.segment) : std::nullopt;
    if (e.segment != 0 && !target)
      continue;
    ++listed_;
    auto nodes = verdicts_of(s, *c, *r, static_cast<std::uint16_t>(channel - channels.begin()), target ? &*target : nullptr, settings);
    for (auto& n : nodes)
      if (n.node == e.node)
        n.verdict = "chosen";
      else if (n.verdict == "chosen")
        n.verdict = "accepted";
    lists_.keep(number, nodes);
  }
}

void inspection::notices(schema::Notices::Reader notices, const situation& s, std::int64_t now) {
  for (auto x : notices.getEvents()) {
    log_event e;
    e.kind = x.getKind();
    e.at = now;
    e.collection = x.getCollection();
    e.replica = x.getReplica();
    e.segment = x.getSegment();
    e.channel = view(x.getChannel());
    e.node = x.getNode();
    e.source = x.getSource();
    e.task = x.getTask();
    e.took_us = x.getTookUs();
    e.trace_id = x.getTraceId();
    e.text = view(x.getText());
    std::string name{view(x.getChannel())};
    if (e.kind == EventKind::NODE_REFUSED || e.kind == EventKind::REQUEST_ANSWERED)
      e.channel.clear(); // it carried the name of what has no id (yet)
    if (e.kind == EventKind::LOAD_GIVEN_UP) {
      const auto* c = s.collection(e.collection);
      name = c != nullptr && c->desired ? c->desired->name : name;
      e.channel.clear();
    }
    // The same problem again is no news.
    const bool again = (e.kind == EventKind::JOURNAL_FAILED && problems_.journal && problems_.journal->text == e.text)
                       || (e.kind == EventKind::PULL_FAILED && problems_.pulls.contains(e.collection)
                           && problems_.pulls.at(e.collection).text == e.text)
                       || (e.kind == EventKind::PULL_RECOVERED && !problems_.pulls.contains(e.collection))
                       || (e.kind == EventKind::JOURNAL_RECOVERED && !problems_.journal)
                       || (e.kind == EventKind::NODE_REFUSED && problems_.refused.contains(name)
                           && problems_.refused.find(name)->second.text == e.text
                           && now - problems_.refused.find(name)->second.last
                                < std::chrono::nanoseconds{limits::refused_node_remembered}.count());
    stands(e, name, now);
    if (!again)
      log_.add(e);
  }
}

void inspection::stands(const log_event& e, std::string_view name, std::int64_t now) {
  switch (e.kind) {
    case EventKind::JOURNAL_FAILED:
      if (!problems_.journal)
        problems_.journal = problem{e.text, now, now};
      problems_.journal->text = e.text;
      break;
    case EventKind::JOURNAL_RECOVERED:
      problems_.journal.reset();
      break;
    case EventKind::PULL_FAILED:
      remember(problems_.pulls, e.collection, e.text, now);
      break;
    case EventKind::PULL_RECOVERED:
      problems_.pulls.erase(e.collection);
      break;
    case EventKind::LOAD_GIVEN_UP:
      problems_.given_up.erase(std::string{name});
      remember(problems_.given_up, std::string{name}, e.text, now);
      break;
    case EventKind::REQUEST_ANSWERED:
      if (const auto refused = e.text.find(" refused: "); refused != std::string::npos && e.text.starts_with("load"))
        remember(problems_.refused_loads, std::string{name}, e.text.substr(refused + 10), now);
      else
        problems_.refused_loads.erase(std::string{name});
      break;
    case EventKind::NODE_REFUSED:
      remember(problems_.refused, std::string{name}, e.text, now);
      break;
    default:
      break;
  }
}

// -- answers ------------------------------------------------------------------------------

std::vector<log_event> inspection::events(const event_filter& filter, std::uint64_t& after, std::size_t limit) const {
  using subject = event_filter::subject;
  std::vector<log_event> found;
  const auto newest = log_.next() - 1;
  if (after > newest)
    after = newest; // numbers of a coordinator before this one
  const auto take_back = [&](const log_event& e) {
    if (e.number <= after)
      return false;
    if (filter.takes(e))
      found.push_back(e);
    return found.size() < limit || after != 0;
  };
  if (after != 0 && filter.about != subject::segment && filter.about != subject::channel) {
    log_.forward(after + 1, [&](const log_event& e) {
      after = e.number;
      if (filter.takes(e))
        found.push_back(e);
      return found.size() < limit;
    });
    return found;
  }
  if (filter.about == subject::segment)
    log_.backward_of_segment(filter.id, take_back);
  else if (filter.about == subject::channel)
    log_.backward_of_channel(filter.channel, take_back);
  else
    log_.backward(log_.next(), take_back);
  std::reverse(found.begin(), found.end());
  after = newest;
  if (found.size() > limit) {
    found.resize(limit);
    after = found.back().number;
  }
  return found;
}

void inspection::write(schema::Event::Builder out, const log_event& e, const situation& s, std::int64_t wall, bool candidates) const {
  out.setNumber(e.number);
  out.setAt(e.at + wall);
  out.setKind(e.kind);
  out.setCollection(e.collection);
  out.setReplica(e.replica);
  out.setSegment(e.segment);
  out.setChannel(e.channel);
  out.setNode(e.node);
  out.setSource(e.source);
  out.setTask(e.task);
  out.setTaskKind(e.task_kind == schema::TaskKind::INVALID ? std::string{} : plain_name_of(e.task_kind));
  out.setOutcome(e.outcome == reason::none ? std::string{} : std::string{to_string(e.outcome)});
  out.setTookUs(e.took_us);
  out.setWaitedUs(e.waited_us);
  out.setWorkedUs(e.worked_us);
  out.setTraceId(e.trace_id);
  out.setText(e.text);
  if (e.kind != EventKind::TASK_ADMITTED)
    return;
  auto d = out.initDecision();
  d.setRule(std::string{to_string(e.rule)});
  d.setWinner(e.node);
  d.setScore(e.choice.score);
  d.setRunnerUp(e.choice.runner_up);
  d.setRunnerUpScore(e.choice.runner_up_score);
  d.setSourceScore(e.choice.source_score);
  d.setGain(e.choice.gain);
  d.setSituation(e.situation);
  d.setTargetVersion(e.target_version);
  if (candidates)
    if (const auto list = lists_.of(e.number, s))
      muster::write(d.initCandidates(static_cast<unsigned>(list->size())), *list);
}

result<explanation> inspection::explain(schema::ExplainRequest::Reader request, const situation& s, const setting_table& settings,
                                        std::int64_t now, schema::ExplainReply::Builder out) const {
  const explain_facts facts{s, log_, watch_, problems_, settings, now};
  auto found = muster::explain(facts, view(request.getSubject()), view(request.getName()), view(request.getCollection()));
  if (found)
    muster::write(out.initExplanation(), *found, facts);
  else
    set_status(out.initStatus(), found.error());
  return found;
}

void inspection::overview(const situation& s, schema::OverviewReply::Builder out) const {
  std::map<std::string_view, std::uint32_t> states;
  node_load sum;
  for (const auto& [id, node] : s.nodes()) {
    ++states[liveness_name(node.liveness)];
    const auto load = s.load(id);
    sum.rows += load.rows;
    sum.segments += load.segments;
    sum.channels += load.channels;
  }
  auto nodes = out.initNodes(static_cast<unsigned>(states.size()));
  unsigned at = 0;
  for (const auto& [state, count] : states) {
    nodes[at].setState(capnp::Text::Reader{state.data(), state.size()});
    nodes[at++].setCount(count);
  }
  out.setCollections(static_cast<std::uint32_t>(watch_.collections()));
  out.setLoading(static_cast<std::uint32_t>(watch_.loading().size()));
  out.setNotServed(static_cast<std::uint32_t>(watch_.unserved().size()));
  out.setTasks(static_cast<std::uint32_t>(watch_.tasks()));
  out.setSegments(sum.segments);
  out.setRows(sum.rows);
  out.setChannels(sum.channels);
  // The first of both, by id.
  std::vector<std::int64_t> unfinished;
  auto loading = watch_.loading().begin();
  auto unserved = watch_.unserved().begin();
  while (unfinished.size() < limits::overview_unfinished && (loading != watch_.loading().end() || unserved != watch_.unserved().end())) {
    const bool from_loading = unserved == watch_.unserved().end() || (loading != watch_.loading().end() && *loading <= *unserved);
    const auto id = from_loading ? *loading : *unserved;
    if (loading != watch_.loading().end() && *loading == id)
      ++loading;
    if (unserved != watch_.unserved().end() && *unserved == id)
      ++unserved;
    unfinished.push_back(id);
  }
  std::erase_if(unfinished, [&](auto id) { return s.collection(id) == nullptr || !s.collection(id)->desired; });
  auto list = out.initUnfinished(static_cast<unsigned>(unfinished.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    write_loaded(s, *s.collection(unfinished[i]), list[i]);
}

} // namespace muster
