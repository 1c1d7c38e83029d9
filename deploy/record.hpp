// The file of `muster record`: what one actor heard and sent, a JSON object a line.
#pragma once

#include "messages/result.hpp"
#include "messages/schema/inspect.capnp.h"

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace muster::cli {

struct recorded_message {
  std::size_t line = 0; ///< In the file, from 1.
  std::int64_t at = 0;  ///< Nanoseconds since 1970.
  bool out = false;
  std::string type;
  std::string peer;
  std::vector<std::string> frames;
  std::string about; ///< Of a publication.
};

struct record {
  std::string version;
  std::string actor;
  std::string kind;
  std::uint64_t epoch = 0;
  std::int64_t clock_offset = 0; ///< Times of the actor's clock are that much less.
  bool from_start = false;       ///< It begins with the start of the actor.
  std::map<std::string, std::string> settings;
  std::vector<recorded_message> messages;
  std::uint64_t left_out = 0;
  bool whole = false; ///< Its last line is there.
};

/// file_not_found, parameter_invalid with the number of the line.
result<record> read_record(const std::string& path);

/// Writes one, line by line; what is written is on its way to the disk at each line.
class record_writer {
public:
  /// io_failed.
  static result<record_writer> create(const std::string& path);

  /// `about` is the JSON of the tap's first message.
  void header(const std::string& version, std::string_view about, bool from_start, const std::map<std::string, std::string>& settings);
  void message(schema::TappedMessage::Reader m);
  /// io_failed: the disk did not take all.
  result<unit> finish(std::uint64_t left_out);

  std::size_t messages() const {
    return messages_;
  }

private:
  std::string path_;
  std::ofstream out_;
  std::size_t messages_ = 0;
};

} // namespace muster::cli
