#include "app/maintenance_records.h"

#include <chrono>
#include <initializer_list>
#include <utility>

#include "api/debug/metrics.h"
#include "storage/paths.h"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_record_bytes = 256 << 10;

// A number of a record, by its path; 0 if it has none.
double number_of(const Json& record, std::initializer_list<const char*> path) {
  const Json* at = &record;
  for (const char* name : path) {
    const auto found = at->find(name);
    if (found == at->end()) return 0;
    at = &*found;
  }
  return at->is_number() ? at->get<double>() : 0;
}

double seconds_of(const Json& record, const char* name) {
  const auto found = record.find(name);
  const auto time =
      found != record.end() && found->is_string() ? parse_rfc3339(found->get<std::string>()) : fail(Code::not_found);
  return time ? std::chrono::duration<double>(time->time_since_epoch()).count() : 0;
}

class Writer {
public:
  Writer(std::string& page, std::string prefix, const Json& record)
      : page_(page), prefix_(std::move(prefix)), record_(record) {}

  void gauge(const char* name, const char* help, double value) const { one(name, "gauge", help, value); }
  void gauge(const char* name, const char* help, std::initializer_list<const char*> path) const {
    gauge(name, help, number_of(record_, path));
  }
  void total(const char* name, const char* help, const char* of_totals) const {
    one(name, "counter", help, number_of(record_, {"totals", of_totals}));
  }
  void run() const {
    gauge("last_run_timestamp_seconds", "When the last run ended.", seconds_of(record_, "ended"));
    gauge("last_success_timestamp_seconds", "When a run last ended well.", seconds_of(record_, "lastSuccess"));
    gauge("last_duration_seconds", "How long the last run took.", {"seconds"});
    gauge("last_ok", "Whether the last run did all of its work.", record_.value("ok", false) ? 1 : 0);
  }

private:
  void one(const char* name, const char* type, const char* help, double value) const {
    api::debug::write_head(page_, prefix_ + name, type, help);
    api::debug::write_value(page_, prefix_ + name, "", value);
  }

  std::string& page_;
  const std::string prefix_;
  const Json& record_;
};

void write_collection_metrics(std::string& page, const Json& record) {
  const Writer write(page, "berth_collection_", record);
  write.run();
  write.gauge("parked_blobs", "Blobs that wait to be freed.",
              number_of(record, {"blobs", "parked", "count"}) + number_of(record, {"blobs", "waiting", "count"}));
  write.gauge("parked_bytes", "Bytes that wait to be freed.",
              number_of(record, {"blobs", "parked", "bytes"}) + number_of(record, {"blobs", "waiting", "bytes"}));
  write.total("freed_blobs_total", "Blobs freed.", "freedBlobs");
  write.total("freed_bytes_total", "Bytes freed.", "freedBytes");
  write.total("brought_back_total", "Parked blobs that a run brought back.", "broughtBack");
  write.total("empty_repositories_total", "Repositories with nothing in them that went.", "emptyRepositories");
  write.gauge("unreadable_manifests", "Manifests that the last run could not read.", {"unreadableManifests"});
  write.gauge("failures", "What the last run could not do.", {"failed"});
}

void write_verification_metrics(std::string& page, const Json& record) {
  const Writer write(page, "berth_verify_", record);
  write.run();
  write.gauge("blobs", "Blobs that the last run read.", {"blobs"});
  write.gauge("bytes", "Bytes that the last run read.", {"bytes"});
  const std::string name = "berth_verify_findings";
  api::debug::write_head(page, name, "gauge", "What the last run found, by kind.");
  if (const auto kinds = record.find("kinds"); kinds != record.end() && kinds->is_object())
    for (const auto& [kind, count] : kinds->items())
      if (count.is_number()) api::debug::write_value(page, name, "kind=\"" + kind + "\"", count.get<double>());
}

} // namespace

Json read_record(driver::StorageDriver& driver, const std::string& path) {
  const auto text = driver.get_content(path, max_record_bytes);
  Json record = text ? Json::parse(*text, nullptr, false) : Json();
  return record.is_object() ? record : Json::object();
}

RecordedRun::RecordedRun(driver::StorageDriver& driver, std::string path)
    : driver_(driver), path_(std::move(path)), before_(read_record(driver, path_)) {
  totals_ = before_.value("totals", Json::object());
  if (!totals_.is_object()) totals_ = Json::object();
}

void RecordedRun::add_to_totals(const std::string& name, std::uint64_t more) {
  totals_[name] = static_cast<std::uint64_t>(number_of(totals_, {name.c_str()})) + more;
}

RecordedRun::~RecordedRun() {
  if (forgotten_) return;
  const Time ended = SystemClock().now();
  Json record{{"began", to_rfc3339(began_)},
              {"ended", to_rfc3339(ended)},
              {"seconds", std::chrono::duration<double>(ended - began_).count()},
              {"ok", error_.empty()},
              {"error", error_},
              {"lastSuccess", error_.empty() ? Json(to_rfc3339(ended)) : before_.value("lastSuccess", Json(nullptr))},
              {"totals", totals_}};
  for (const auto& [name, value] : what_.items())
    if (!record.contains(name)) record[name] = value;
  const std::string text = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  static_cast<void>(driver_.put_scratch(path_, text)); // a record that is lost is that of the run before
}

void write_maintenance_metrics(std::string& page, driver::StorageDriver& driver) {
  if (const Json record = read_record(driver, storage::paths::collection_record()); !record.empty())
    write_collection_metrics(page, record);
  if (const Json record = read_record(driver, storage::paths::verify_record()); !record.empty())
    write_verification_metrics(page, record);
}

} // namespace berth::app
