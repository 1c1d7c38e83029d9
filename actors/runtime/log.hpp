// The thin header through which actors, net and deploy log: severity, channel, text. Cores never log.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

namespace muster::log {

/// By reader: debug = each decision with its reason, info = lifecycle, warn = someone should look, error = something failed.
enum class severity { debug, info, warn, error };

/// Where log lines go. Call once, before actors start. `file` empty: stderr only; otherwise also a rotated file
/// (16 MiB, 8 kept) in the data folder.
void open(severity lowest_on_stderr, severity lowest_in_file, const std::string& file);

/// Flushes and closes; later lines are dropped.
void close();

/// True when a line of this severity would be written somewhere; cheap.
bool enabled(severity s);

/// Writes one line.
void write(severity s, std::string_view channel, const std::string& text);

/// Receives every line instead of stderr and file (simulator, tests). Null: back to none.
using sink_function = void (*)(severity, std::string_view channel, const std::string& text);
void redirect(sink_function sink);

template <class... Ts>
void line(severity s, std::string_view channel, const Ts&... parts) {
  if (!enabled(s))
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
