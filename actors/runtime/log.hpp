// The thin header through which actors, net and deploy log: severity, channel, text, trace. Cores never log.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::log {

/// By reader: debug = each decision with its reason, info = lifecycle, warn = someone should look, error = something failed.
enum class severity { debug, info, warn, error, off };

/// For people, or one JSON object a line.
enum class form { text, json };

/// Where log lines go. Call once, before actors start. `file` empty: stderr only; otherwise also a file in the data folder, rotated at
/// limits::log_file_bytes, with limits::log_files kept. A line that only repeats one of the last limits::log_repeat is counted, not written.
void open(severity lowest_on_stderr, severity lowest_in_file, const std::string& file, form format = form::text);

/// Flushes and closes; later lines are dropped.
void close();

/// True when a line of this severity would be written somewhere; cheap.
bool enabled(severity s, std::string_view channel);

/// Writes one line.
void write(severity s, std::string_view channel, const std::string& text);

/// From which severity on a channel logs, on stderr and in the file alike, until it is taken back. Channel "": all that have none of
/// their own.
void set_level(std::string_view channel, severity lowest);
/// As at the start again.
void reset_level(std::string_view channel);
/// All that are set, by channel; what was chosen at the start is under "".
std::vector<std::pair<std::string, severity>> levels();

const char* to_string(severity s);
/// False: no such name.
bool read_severity(std::string_view name, severity& out);

/// Receives every line instead of stderr and file (simulator, tests). Null: back to none.
using sink_function = void (*)(severity, std::string_view channel, const std::string& text);
void redirect(sink_function sink);

/// While it lives, lines of this thread carry the trace id; 0: none.
class trace_scope {
public:
  explicit trace_scope(std::uint64_t id) : before_(current_) {
    current_ = id;
  }

  ~trace_scope() {
    current_ = before_;
  }

  trace_scope(const trace_scope&) = delete;
  trace_scope& operator=(const trace_scope&) = delete;

  static std::uint64_t current() {
    return current_;
  }

private:
  inline static thread_local std::uint64_t current_ = 0;
  std::uint64_t before_;
};

template <class... Ts>
void line(severity s, std::string_view channel, const Ts&... parts) {
  if (!enabled(s, channel))
    return;
  std::ostringstream out;
  (out << ... << parts);
  write(s, channel, out.str());
}

template <class... Ts>
void debug(std::string_view channel, const Ts&... parts) {
  line(severity::debug, channel, parts...);
}

template <class... Ts>
void info(std::string_view channel, const Ts&... parts) {
  line(severity::info, channel, parts...);
}

template <class... Ts>
void warn(std::string_view channel, const Ts&... parts) {
  line(severity::warn, channel, parts...);
}

template <class... Ts>
void error(std::string_view channel, const Ts&... parts) {
  line(severity::error, channel, parts...);
}

} // namespace muster::log
