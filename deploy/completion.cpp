// Candidates, by what the table says of a word.
#include "deploy/completion.hpp"

#include "deploy/console.hpp"
#include "persistence/catalogue.hpp"

#include <algorithm>
#include <filesystem>

namespace muster::cli {

namespace {

constexpr std::chrono::seconds remembered{2};
constexpr std::size_t most_segments = 2'000;

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

noun noun_of_subject(const std::string& subject) {
  if (subject == "segment")
    return noun::segment;
  if (subject == "channel")
    return noun::channel;
  if (subject == "replica")
    return noun::replica;
  if (subject == "collection")
    return noun::collection;
  if (subject == "node")
    return noun::node;
  if (subject == "task")
    return noun::task;
  if (subject == "checker")
    return noun::checker;
  return noun::none;
}

std::vector<std::string> switched(const std::string& command) {
  if (command == "pause")
    return {"checker"};
  if (command == "resume")
    return {"checker", "node"};
  if (command == "drain")
    return {"node"};
  if (command == "restart")
    return {"actor"};
  if (command == "journal")
    return {"tail"};
  if (command == "snapshot")
    return {"to"};
  return {};
}

std::vector<std::string> files(const std::string& prefix) {
  const auto slash = prefix.find_last_of('/');
  const auto folder = slash == std::string::npos ? std::string{} : prefix.substr(0, slash + 1);
  std::vector<std::string> out;
  std::error_code wrong;
  for (const auto& entry : std::filesystem::directory_iterator(folder.empty() ? "." : folder, wrong))
    out.push_back(folder + entry.path().filename().string() + (entry.is_directory(wrong) ? "/" : ""));
  return out;
}

} // namespace

std::vector<std::string> fixed_words(const std::string& command, noun what) {
  switch (what) {
    case noun::kind_of_switch:
      return switched(command);
    case noun::subject:
      return subjects();
    case noun::level:
      return {"debug", "info", "warn", "error", "off", "default"};
    default:
      return {};
  }
}

std::vector<std::string> split_words(const std::string& line) {
  std::vector<std::string> out;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      inside = false;
      continue;
    }
    if (!inside)
      out.emplace_back();
    inside = true;
    if (quote != 0 && c == quote)
      quote = 0;
    else if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else if (quote != '\'' && c == '\\' && i + 1 < line.size())
      out.back() += line[++i];
    else
      out.back() += c;
  }
  return out;
}

noun completion::noun_of(const std::vector<std::string>& words) const {
  if (words.empty() || (words.size() == 1 && words[0] == "help"))
    return noun::command;
  const auto* c = find_inside_command(words[0]);
  if (c == nullptr)
    return words.size() == 1 ? noun::collection : noun::none; // most commands of `muster` name a collection first
  std::size_t place = 0;
  for (std::size_t i = 1; i < words.size(); ++i)
    place += words[i].starts_with("-") ? 0 : 1;
  if (place >= c->words.size())
    return noun::none;
  const auto what = c->words[place];
  return what == noun::any_of_subject ? noun_of_subject(words[1]) : what;
}

std::vector<std::string> completion::of(const std::string& line) {
  auto words = split_words(line);
  std::string begun;
  if (!words.empty() && line.back() != ' ' && line.back() != '\t') {
    begun = words.back();
    words.pop_back();
  }
  names candidates;
  const auto what = noun_of(words);
  if (what == noun::file)
    candidates = files(begun);
  else if (candidates = fixed_words(words.empty() ? std::string{} : words[0], what); candidates.empty())
    candidates = known(what);
  std::erase_if(candidates, [&](const std::string& c) { return !c.starts_with(begun); });
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

const completion::names& completion::known(noun what) {
  auto& [until, kept] = kept_[what];
  const auto now = std::chrono::steady_clock::now();
  if (until > now)
    return kept;
  until = now + remembered;
  try {
    kept = asked(what);
  } catch (const command_error&) {
    kept.clear(); // not there; the command itself will say so
  }
  return kept;
}

completion::names completion::asked(noun what) {
  names out;
  switch (what) {
    case noun::command:
      for (const auto& [name, meaning] : all_commands())
        out.push_back(name);
      for (const auto* name : {"help", "quit", "history"})
        out.emplace_back(name);
      break;
    case noun::actor:
    case noun::restartable:
      for (const auto reply = session_.ask<schema::ListActorsRequest>(); auto a : reply->getActors())
        out.push_back(text(a.getName()));
      break;
    case noun::collection:
      for (const auto reply = session_.ask<schema::GetStatusRequest>(); auto c : reply->getCollections())
        out.push_back(text(c.getName()));
      for (const auto reply = session_.ask<schema::ListCollectionsRequest>(); auto c : reply->getCollections())
        out.push_back(qualified_name(view(c.getDatabase()), view(c.getName())));
      break;
    case noun::node:
      for (const auto reply = session_.ask<schema::GetStatusRequest>(); auto n : reply->getNodes())
        out.push_back(text(n.getName()));
      break;
    case noun::segment:
    case noun::channel:
    case noun::replica:
      for (const auto status = session_.ask<schema::GetStatusRequest>(); auto c : status->getCollections()) {
        if (what == noun::segment) {
          const auto reply = session_.ask<schema::GetLoadSegmentInfoRequest>([&](auto b) { b.setCollection(c.getName()); });
          for (auto s : reply->getSegments())
            if (out.size() < most_segments)
              out.push_back(std::to_string(s.getId()));
          continue;
        }
        const auto reply = session_.ask<schema::GetReplicasRequest>([&](auto b) { b.setCollection(c.getName()); });
        for (auto r : reply->getReplicas()) {
          if (what == noun::replica)
            out.push_back(std::to_string(r.getId()));
          else
            for (auto s : r.getShards())
              out.push_back(text(s.getChannel()));
        }
      }
      break;
    case noun::task:
      for (const auto reply = session_.ask<schema::ListTasksRequest>(); auto t : reply->getTasks())
        out.push_back(std::to_string(t.getId()));
      break;
    case noun::checker:
      for (const auto reply = session_.ask<schema::ListCheckersRequest>(); auto c : reply->getCheckers())
        out.push_back(text(c.getName()));
      break;
    case noun::setting:
      for (const auto reply = session_.ask<schema::ShowConfigurationsRequest>(); auto s : reply->getConfigurations())
        out.push_back(text(s.getKey()));
      break;
    default:
      break;
  }
  return out;
}

} // namespace muster::cli
