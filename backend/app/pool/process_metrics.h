// The metrics of any process, by the names of Prometheus' own client libraries, and of the file system that holds the
// store.
#pragma once

#include <string>

namespace berth::app {

void write_process_metrics(std::string& page);
void write_store_metrics(std::string& page, const std::string& root);

} // namespace berth::app
