// Figures of the actors of this process and of the process itself, for /metrics.
#pragma once

#include "actors/core/prometheus.hpp"
#include "actors/runtime/probe.hpp"

#include <vector>

namespace muster {

/// By kind of actor, so that their number does not grow with the cluster. Cost: the reports.
void write_actor_figures(const std::vector<probe_report>& reports, prometheus_text& out);

/// Memory, processor time, threads and descriptors, as the system counts them; those that it does not tell are left out.
void write_process_figures(prometheus_text& out);

} // namespace muster
