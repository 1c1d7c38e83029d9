// Boost.Log behind the thin header: text or JSON on stderr, a rotated file in the data folder, levels by channel.
#include "actors/runtime/log.hpp"

#include "actors/runtime/log_repeats.hpp"
#include "messages/limits.hpp"

#include <boost/log/core.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/text_file_backend.hpp>
#include <boost/log/sinks/text_ostream_backend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_channel_logger.hpp>
#include <boost/log/attributes/clock.hpp>
#include <boost/log/attributes/constant.hpp>
#include <boost/log/expressions.hpp>
#include <boost/log/support/date_time.hpp>
#include <boost/core/null_deleter.hpp>
#include <boost/make_shared.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>

namespace muster::log {

namespace {

namespace blog = boost::log;

constexpr int nothing = static_cast<int>(severity::off);

/// What is asked on each line without a lock: the lowest level of all, and whether any channel has one of its own.
std::atomic<int> lowest_of_all{nothing};
std::atomic<bool> any_level{false};
std::atomic<sink_function> redirected{nullptr};

struct level_table {
  std::shared_mutex mutex;
  int on_stderr = nothing; ///< At the start.
  int in_file = nothing;
  std::optional<int> all; ///< Set at run time for all that have none of their own.
  std::map<std::string, int, std::less<>> of_channel;

  void recount() {
    auto lowest = all ? *all : std::min(on_stderr, in_file);
    for (const auto& [channel, level] : of_channel)
      lowest = std::min(lowest, level);
    any_level = all.has_value() || !of_channel.empty();
    lowest_of_all = lowest;
  }

  /// From which level on a sink that began with `start` takes lines of the channel.
  int level(std::string_view channel, int start) const {
    if (auto i = of_channel.find(channel); i != of_channel.end())
      return i->second;
    return all.value_or(start);
  }
};

level_table& table() {
  static level_table instance;
  return instance;
}

std::mutex repeats_mutex;
repeats& repeated() {
  static repeats instance;
  return instance;
}

constexpr const char* names[] = {"debug", "info", "warn", "error", "off"};

/// Escapes what JSON cannot have in a string.
std::string escaped(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

struct parts {
  std::string at;
  std::string level;
  std::string channel;
  std::string text;
  std::uint64_t trace = 0;
};

parts parts_of(const blog::record_view& record) {
  parts p;
  if (auto when = blog::extract<boost::posix_time::ptime>("TimeStamp", record))
    p.at = boost::posix_time::to_iso_extended_string(*when) + "Z";
  auto level = blog::extract<int>("Severity", record);
  p.level = level ? names[*level] : "?";
  if (auto channel = blog::extract<std::string>("Channel", record))
    p.channel = *channel;
  if (auto text = record[blog::expressions::smessage])
    p.text = *text;
  if (auto trace = blog::extract<std::uint64_t>("Trace", record))
    p.trace = *trace;
  return p;
}

void as_text(const blog::record_view& record, blog::formatting_ostream& out) {
  const auto p = parts_of(record);
  out << p.at << (p.at.empty() ? "" : " ") << p.level << ' ' << p.channel << ": " << p.text;
  if (p.trace != 0)
    out << " [trace " << p.trace << ']';
}

/// A trace id is a string, as every 64-bit number in Muster's JSON.
void as_json(const blog::record_view& record, blog::formatting_ostream& out) {
  const auto p = parts_of(record);
  out << "{\"at\":\"" << p.at << "\",\"level\":\"" << p.level << "\",\"channel\":\"" << escaped(p.channel) << "\",\"text\":\""
      << escaped(p.text) << '"';
  if (p.trace != 0)
    out << ",\"trace\":\"" << p.trace << '"';
  out << '}';
}

template <class Sink>
void add(boost::shared_ptr<Sink> sink, severity lowest, form format) {
  if (format == form::json)
    sink->set_formatter(&as_json);
  else
    sink->set_formatter(&as_text);
  const auto start = static_cast<int>(lowest);
  sink->set_filter([start](const blog::attribute_value_set& values) {
    auto s = values["Severity"].extract<int>();
    if (!s)
      return false;
    if (!any_level.load(std::memory_order_relaxed))
      return *s >= start;
    auto channel = values["Channel"].extract<std::string>();
    std::shared_lock guard{table().mutex};
    return *s >= table().level(channel ? std::string_view{*channel} : std::string_view{}, start);
  });
  blog::core::get()->add_sink(sink);
}

void push(int severity, std::string_view channel, const std::string& text, std::uint64_t trace) {
  thread_local blog::sources::severity_channel_logger<int, std::string> logger;
  if (auto record = logger.open_record(
        (blog::keywords::severity = severity, blog::keywords::channel = std::string{channel}))) {
    if (trace != 0)
      record.attribute_values().insert("Trace", blog::attributes::constant<std::uint64_t>{trace}.get_value());
    blog::record_ostream stream{record};
    stream << text;
    stream.flush();
    logger.push_record(std::move(record));
  }
}

} // namespace

void open(severity lowest_on_stderr, severity lowest_in_file, const std::string& file, form format) {
  auto core = blog::core::get();
  core->remove_all_sinks();
  core->add_global_attribute("TimeStamp", blog::attributes::utc_clock{});
  auto console = boost::make_shared<blog::sinks::text_ostream_backend>();
  console->add_stream(boost::shared_ptr<std::ostream>(&std::clog, boost::null_deleter{}));
  console->auto_flush(true);
  add(boost::make_shared<blog::sinks::synchronous_sink<blog::sinks::text_ostream_backend>>(console), lowest_on_stderr, format);
  if (!file.empty()) {
    auto backend = boost::make_shared<blog::sinks::text_file_backend>(
      blog::keywords::file_name = file, blog::keywords::target_file_name = file + ".%N",
      blog::keywords::rotation_size = limits::log_file_bytes, blog::keywords::open_mode = std::ios::app);
    const auto slash = file.find_last_of('/');
    backend->set_file_collector(blog::sinks::file::make_collector(
      blog::keywords::target = slash == std::string::npos ? std::string{"."} : file.substr(0, slash),
      blog::keywords::max_files = limits::log_files));
    // Old files of a process before this one count too, and their numbers go on.
    backend->scan_for_files();
    backend->auto_flush(true);
    add(boost::make_shared<blog::sinks::synchronous_sink<blog::sinks::text_file_backend>>(backend), lowest_in_file, format);
  }
  std::unique_lock guard{table().mutex};
  table().on_stderr = static_cast<int>(lowest_on_stderr);
  table().in_file = file.empty() ? nothing : static_cast<int>(lowest_in_file);
  table().recount();
}

void close() {
  {
    std::lock_guard guard{repeats_mutex};
    for (auto& line : repeated().finish())
      push(line.severity, line.channel, line.text, 0);
  }
  {
    std::unique_lock guard{table().mutex};
    table().on_stderr = table().in_file = nothing;
    table().all.reset();
    table().of_channel.clear();
    table().recount();
  }
  blog::core::get()->flush();
  blog::core::get()->remove_all_sinks();
}

bool enabled(severity s, std::string_view channel) {
  if (redirected.load(std::memory_order_relaxed) != nullptr)
    return true;
  const auto level = static_cast<int>(s);
  if (level < lowest_of_all.load(std::memory_order_relaxed))
    return false;
  if (!any_level.load(std::memory_order_relaxed))
    return true;
  std::shared_lock guard{table().mutex};
  return level >= table().level(channel, std::min(table().on_stderr, table().in_file));
}

void write(severity s, std::string_view channel, const std::string& text) {
  if (auto sink = redirected.load()) {
    sink(s, channel, text);
    return;
  }
  if (!enabled(s, channel))
    return;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  bool fresh = true;
  {
    std::lock_guard guard{repeats_mutex};
    for (auto& line : repeated().note(static_cast<int>(s), channel, text, std::chrono::nanoseconds{now}.count(), fresh))
      push(line.severity, line.channel, line.text, 0);
  }
  if (fresh)
    push(static_cast<int>(s), channel, text, trace_scope::current());
}

void set_level(std::string_view channel, severity lowest) {
  std::unique_lock guard{table().mutex};
  if (channel.empty())
    table().all = static_cast<int>(lowest);
  else
    table().of_channel[std::string{channel}] = static_cast<int>(lowest);
  table().recount();
}

void reset_level(std::string_view channel) {
  std::unique_lock guard{table().mutex};
  if (channel.empty())
    table().all.reset();
  else if (auto i = table().of_channel.find(channel); i != table().of_channel.end())
    table().of_channel.erase(i);
  table().recount();
}

std::vector<std::pair<std::string, severity>> levels() {
  std::shared_lock guard{table().mutex};
  std::vector<std::pair<std::string, severity>> out;
  out.emplace_back("", static_cast<severity>(table().all.value_or(std::min(table().on_stderr, table().in_file))));
  for (const auto& [channel, level] : table().of_channel)
    out.emplace_back(channel, static_cast<severity>(level));
  return out;
}

const char* to_string(severity s) {
  return names[static_cast<int>(s)];
}

bool read_severity(std::string_view name, severity& out) {
  for (int i = 0; i <= nothing; ++i)
    if (name == names[i]) {
      out = static_cast<severity>(i);
      return true;
    }
  return false;
}

void redirect(sink_function sink) {
  redirected = sink;
}

} // namespace muster::log
