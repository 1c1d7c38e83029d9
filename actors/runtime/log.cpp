// Boost.Log behind the thin header: text on stderr, a rotated file in the data folder.
#include "actors/runtime/log.hpp"

#include <boost/log/core.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/text_file_backend.hpp>
#include <boost/log/sinks/text_ostream_backend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_channel_logger.hpp>
#include <boost/log/attributes/clock.hpp>
#include <boost/log/expressions.hpp>
#include <boost/log/support/date_time.hpp>
#include <boost/core/null_deleter.hpp>
#include <boost/make_shared.hpp>

#include <atomic>
#include <iostream>
#include <mutex>

namespace muster::log {

namespace {

namespace blog = boost::log;

std::atomic<int> threshold{100};
std::atomic<sink_function> redirected{nullptr};

constexpr const char* names[] = {"debug", "info", "warn", "error"};

void format(const blog::record_view& record, blog::formatting_ostream& out) {
  auto when = blog::extract<boost::posix_time::ptime>("TimeStamp", record);
  auto level = blog::extract<int>("Severity", record);
  auto channel = blog::extract<std::string>("Channel", record);
  if (when)
    out << boost::posix_time::to_iso_extended_string(*when) << "Z ";
  out << (level ? names[*level] : "?") << ' ' << (channel ? *channel : std::string{}) << ": "
      << record[blog::expressions::smessage];
}

template <class Sink>
void add(boost::shared_ptr<Sink> sink, severity lowest) {
  sink->set_formatter(&format);
  const auto level = static_cast<int>(lowest);
  sink->set_filter([level](const blog::attribute_value_set& values) {
    auto s = values["Severity"].extract<int>();
    return s && *s >= level;
  });
  blog::core::get()->add_sink(sink);
}

} // namespace

void open(severity lowest_on_stderr, severity lowest_in_file, const std::string& file) {
  auto core = blog::core::get();
  core->remove_all_sinks();
  core->add_global_attribute("TimeStamp", blog::attributes::utc_clock{});
  auto console = boost::make_shared<blog::sinks::text_ostream_backend>();
  console->add_stream(boost::shared_ptr<std::ostream>(&std::clog, boost::null_deleter{}));
  console->auto_flush(true);
  add(boost::make_shared<blog::sinks::synchronous_sink<blog::sinks::text_ostream_backend>>(console), lowest_on_stderr);
  auto lowest = static_cast<int>(lowest_on_stderr);
  if (!file.empty()) {
    auto backend = boost::make_shared<blog::sinks::text_file_backend>(
      blog::keywords::file_name = file, blog::keywords::target_file_name = file + ".%N",
      blog::keywords::rotation_size = 16u << 20, blog::keywords::open_mode = std::ios::app);
    const auto slash = file.find_last_of('/');
    backend->set_file_collector(blog::sinks::file::make_collector(
      blog::keywords::target = slash == std::string::npos ? std::string{"."} : file.substr(0, slash),
      blog::keywords::max_files = 8));
    backend->auto_flush(true);
    add(boost::make_shared<blog::sinks::synchronous_sink<blog::sinks::text_file_backend>>(backend), lowest_in_file);
    lowest = std::min(lowest, static_cast<int>(lowest_in_file));
  }
  threshold = lowest;
}

void close() {
  threshold = 100;
  blog::core::get()->flush();
  blog::core::get()->remove_all_sinks();
}

bool enabled(severity s) {
  return redirected.load(std::memory_order_relaxed) != nullptr || static_cast<int>(s) >= threshold.load(std::memory_order_relaxed);
}

void write(severity s, std::string_view channel, const std::string& text) {
  if (auto sink = redirected.load()) {
    sink(s, channel, text);
    return;
  }
  if (static_cast<int>(s) < threshold.load())
    return;
  thread_local blog::sources::severity_channel_logger<int, std::string> logger;
  if (auto record = logger.open_record(
        (blog::keywords::severity = static_cast<int>(s), blog::keywords::channel = std::string{channel}))) {
    blog::record_ostream stream{record};
    stream << text;
    stream.flush();
    logger.push_record(std::move(record));
  }
}

void redirect(sink_function sink) {
  redirected = sink;
}

} // namespace muster::log
