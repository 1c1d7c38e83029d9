// Names in place of numbers.
#include "actors/core/task_entries.hpp"

#include "actors/core/reason.hpp"

#include <capnp/dynamic.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace muster {

namespace {

/// camelCase of the schema as snake_case.
template <class E>
std::string name(E value) {
  const capnp::DynamicEnum e = capnp::toDynamic(value);
  std::string out;
  KJ_IF_MAYBE (enumerant, e.getEnumerant())
    for (char c : enumerant->getProto().getName()) {
      if (std::isupper(static_cast<unsigned char>(c)))
        out += '_';
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  return out;
}

std::string name_of_reason(std::uint16_t number) {
  return number == 0 ? std::string{} : std::string{to_string(static_cast<reason>(number))};
}

} // namespace

void write_task_entries(capnp::List<schema::TaskRecord>::Reader records, std::size_t most, schema::ListTasksReply::Builder out) {
  const auto n = static_cast<unsigned>(std::min<std::size_t>(records.size(), most));
  auto list = out.initTasks(n);
  for (unsigned i = 0; i < n; ++i) {
    auto from = records[i];
    auto to = list[i];
    to.setId(from.getId());
    to.setKind(name(from.getKind()));
    to.setPriority(name(from.getPriority()));
    to.setProposer(name(from.getProposer()));
    to.setCollection(from.getCollection());
    to.setReplica(from.getReplica());
    to.setChannel(from.getChannel());
    to.setSegment(from.getSegment());
    to.setNode(from.getNode());
    to.setSource(from.getSource());
    to.setReason(name_of_reason(from.getReason()));
    to.setStatus(name(from.getStatus()));
    to.setStep(from.getStep());
    to.setEnd(name_of_reason(from.getEnd()));
    to.setError(from.getError());
    to.setAgeMs(from.getAgeMs());
    to.setTookMs(from.getTookMs());
  }
}

} // namespace muster
