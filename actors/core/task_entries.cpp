// Names in place of numbers.
#include "actors/core/task_entries.hpp"

#include "actors/core/names.hpp"
#include "actors/core/reason.hpp"

#include <algorithm>
#include <string>

namespace muster {

namespace {

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
    to.setKind(plain_name_of(from.getKind()));
    to.setPriority(plain_name_of(from.getPriority()));
    to.setProposer(plain_name_of(from.getProposer()));
    to.setCollection(from.getCollection());
    to.setReplica(from.getReplica());
    to.setChannel(from.getChannel());
    to.setSegment(from.getSegment());
    to.setNode(from.getNode());
    to.setSource(from.getSource());
    to.setReason(name_of_reason(from.getReason()));
    to.setStatus(plain_name_of(from.getStatus()));
    to.setStep(from.getStep());
    to.setEnd(name_of_reason(from.getEnd()));
    to.setError(from.getError());
    to.setAgeMs(from.getAgeMs());
    to.setTookMs(from.getTookMs());
  }
}

} // namespace muster
