// Reading and writing of records.
#include "deploy/record.hpp"

#include "actors/core/json.hpp"
#include "deploy/output.hpp"
#include "messages/msg.hpp"

#include <charconv>
#include <cstring>
#include <kj/encoding.h>

namespace muster::cli {

namespace {

constexpr int format = 1;

failure malformed(const std::string& path, std::size_t line, const std::string& what) {
  return {ec::parameter_invalid, "reading the record " + path + ": line " + std::to_string(line) + " " + what
                                   + "; it is no record of `muster record`, or it was changed"};
}

std::string text_of(const json& from, std::string_view name) {
  const auto* member = from.find(name);
  const auto* text = member == nullptr ? nullptr : member->as_text();
  return text == nullptr ? std::string{} : *text;
}

bool flag_of(const json& from, std::string_view name) {
  const auto* member = from.find(name);
  const auto* flag = member == nullptr ? nullptr : std::get_if<bool>(&member->value());
  return flag != nullptr && *flag;
}

/// A number as it is written for 64 bits: as text. False: it is none.
template <class T>
bool number_of(const json& from, std::string_view name, T& to) {
  const auto text = text_of(from, name);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

std::string base64(capnp::Data::Reader bytes) {
  const auto text = kj::encodeBase64(bytes);
  return {text.cStr(), text.size()};
}

bool from_base64(const std::string& text, std::string& to) {
  const auto bytes = kj::decodeBase64(kj::arrayPtr(text.data(), text.size()));
  if (bytes.hadErrors)
    return false;
  to.assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  return true;
}

/// Empty: it was read.
std::string read_header(const json& line, record& out) {
  const auto* version = line.find("muster_record");
  if (version == nullptr || version->as_number() == nullptr)
    return "is not the beginning of a record";
  if (*version->as_number() != format)
    return "says that the record is of another form than this version of muster knows";
  out.version = text_of(line, "version");
  out.actor = text_of(line, "actor");
  out.kind = text_of(line, "kind");
  out.from_start = flag_of(line, "from_start");
  if (out.kind.empty() || !number_of(line, "epoch", out.epoch) || !number_of(line, "clock_offset_ns", out.clock_offset))
    return "does not say whose record it is";
  if (const auto* settings = line.find("settings"); settings != nullptr && settings->as_object() != nullptr)
    for (const auto& [key, value] : *settings->as_object())
      if (const auto* text = value.as_text())
        out.settings[key] = *text;
  return {};
}

std::string read_message(const json& line, recorded_message& out) {
  if (!number_of(line, "at", out.at))
    return "has no time";
  out.type = text_of(line, "type");
  if (out.type.empty())
    return "has no type of a message";
  out.peer = text_of(line, "peer");
  out.out = flag_of(line, "out");
  if (const auto* frames = line.find("frames")) {
    if (frames->as_array() == nullptr)
      return "has frames that are no list";
    for (const auto& frame : *frames->as_array())
      if (const auto* text = frame.as_text(); text == nullptr || !from_base64(*text, out.frames.emplace_back()))
        return "has a frame that is not in base64";
  }
  if (!from_base64(text_of(line, "about"), out.about))
    return "says what it is about, but not in base64";
  return {};
}

} // namespace

result<record> read_record(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return failure{ec::file_not_found, "reading the record " + path + ": " + std::strerror(errno) + "; name a file that `muster record` wrote"};
  record out;
  std::string text;
  for (std::size_t n = 1; std::getline(in, text); ++n) {
    const auto line = json::read_object(text);
    if (!line)
      return malformed(path, n, "is no JSON object");
    if (out.whole)
      return malformed(path, n, "stands behind the end");
    std::string wrong;
    if (n == 1) {
      wrong = read_header(*line, out);
    } else if (line->find("end") != nullptr) {
      std::size_t messages = 0;
      out.whole = true;
      if (!number_of(*line, "messages", messages) || !number_of(*line, "left_out", out.left_out))
        wrong = "is an end that does not say of how much";
      else if (messages != out.messages.size())
        wrong = "says that there are " + std::to_string(messages) + " messages, but " + std::to_string(out.messages.size()) + " are there";
    } else {
      wrong = read_message(*line, out.messages.emplace_back());
      out.messages.back().line = n;
    }
    if (!wrong.empty())
      return malformed(path, n, wrong);
  }
  if (out.kind.empty())
    return failure{ec::parameter_invalid, "reading the record " + path + ": it is empty; name a file that `muster record` wrote"};
  return out;
}

result<record_writer> record_writer::create(const std::string& path) {
  record_writer w;
  w.path_ = path;
  w.out_.open(path, std::ios::binary | std::ios::trunc);
  if (!w.out_)
    return failure{ec::io_failed, "writing the record " + path + ": " + std::strerror(errno) + "; name a file that can be written"};
  return w;
}

void record_writer::header(const std::string& version, std::string_view about, bool from_start,
                           const std::map<std::string, std::string>& settings) {
  json_writer w;
  w.open('{').key("muster_record").raw(std::to_string(format)).field("version", version).field("from_start", from_start);
  if (const auto told = json::read_object(about))
    for (const auto* name : {"actor", "kind", "epoch", "clock_offset_ns"})
      w.field(name, text_of(*told, name));
  w.key("settings").open('{');
  for (const auto& [key, value] : settings)
    w.field(key, value);
  out_ << w.close('}').close('}').str() << '\n' << std::flush;
}

void record_writer::message(schema::TappedMessage::Reader m) {
  json_writer w;
  w.open('{').field("at", std::to_string(m.getAt())).field("out", m.getOut()).field("type", view(m.getType()));
  if (m.getPeer().size() > 0)
    w.field("peer", view(m.getPeer()));
  if (m.getJson().size() > 0)
    w.key("json").raw(view(m.getJson()));
  if (m.getFrames().size() > 0) {
    w.key("frames").open('[');
    for (auto frame : m.getFrames())
      w.text(base64(frame));
    w.close(']');
  }
  if (m.getTouched().size() > 0)
    w.field("about", base64(m.getTouched()));
  out_ << w.close('}').str() << '\n' << std::flush;
  ++messages_;
}

result<unit> record_writer::finish(std::uint64_t left_out) {
  out_ << json_writer{}.open('{').field("end", true).field("messages", std::to_string(messages_)).field("left_out", std::to_string(left_out)).close('}').str()
       << '\n' << std::flush;
  out_.close();
  if (!out_)
    return failure{ec::io_failed, "writing the record " + path_ + ": the disk did not take all of it; free space and record again"};
  return unit{};
}

} // namespace muster::cli
