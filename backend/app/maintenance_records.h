// Records of maintenance: what the last collection and the last verification of a store were, as a JSON document each
// in the store, so that every pool on it tells of them (/metrics, `berth status`), whoever ran. A record is written
// when a run ends, also by an error, and not by a dry run.
//   {"began": TIME, "seconds": 1.2, "ok": true, "error": "", "totals": {NAME: n}, "lastSuccess": TIME, ...: what the
//   run says of itself}
// Threads: safe.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/clock.h"
#include "driver/storage_driver.h"

namespace berth::app {

// Of the last run: an object, empty if there was none or it cannot be read.
nlohmann::ordered_json read_record(driver::StorageDriver& driver, const std::string& path);

// Writes it when it goes: as failed, unless it has ended well. Borrows: driver.
class RecordedRun {
public:
  RecordedRun(driver::StorageDriver& driver, std::string path);
  ~RecordedRun();
  RecordedRun(const RecordedRun&) = delete;

  // Numbers to be added to those of all runs before: "totals" of the record.
  void add_to_totals(const std::string& name, std::uint64_t more);
  void tell(nlohmann::ordered_json what) { what_ = std::move(what); } // an object, beside the rest
  void ended_well() { error_.clear(); }
  void failed(const std::string& error) { error_ = error; }
  void forget() { forgotten_ = true; } // nothing is written

private:
  driver::StorageDriver& driver_;
  const std::string path_;
  const Time began_ = SystemClock().now();
  nlohmann::ordered_json before_, totals_;
  nlohmann::ordered_json what_ = nlohmann::ordered_json::object();
  std::string error_ = "it was ended";
  bool forgotten_ = false;
};

// The metrics of both records.
void write_maintenance_metrics(std::string& page, driver::StorageDriver& driver);

} // namespace berth::app
