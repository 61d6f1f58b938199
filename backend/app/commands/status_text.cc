#include "app/commands/human.h"
#include "app/commands/status.h"
#include "base/clock.h"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

// "3 h ago", of a time in the page; empty without one.
std::string how_long(const Json& time) {
  if (!time.is_string()) return {};
  const auto at = parse_rfc3339(time.get<std::string>());
  return at ? human_time(std::chrono::floor<std::chrono::seconds>(SystemClock().now() - *at)) : std::string();
}

std::string count_of(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

void add(std::string& text, std::string what, const std::string& line) {
  constexpr std::size_t column = 13;
  what.resize(column, ' ');
  text += what + line + "\n";
}

std::string processes_text(const Json& page) {
  const Json& processes = page["processes"];
  std::string text;
  if (processes["berth"] != 0) text = "berth up " + processes["berth"].dump() + " for " + how_long(processes["since"]);
  for (const Json& pool : processes["pools"]) text += ", pool " + pool.dump();
  if (processes["nginx"] != 0)
    text += ", nginx " + processes["nginx"].dump() + " with " +
            count_of(processes["nginxWorkers"].get<std::uint64_t>(), "worker", "workers");
  const Json& pool = page["pool"];
  if (text.empty() && pool.contains("pid"))
    text = "pool " + pool["pid"].dump() + " for " + how_long(pool["started"]) + " (others may share its socket)";
  return text;
}

std::string uploads_text(const Json& uploads) {
  return uploads["begun"].dump() + " begun and not finished" +
         (uploads["allCounted"].get<bool>() ? "" : " (or more: the store is large)") + ", " +
         count_of(uploads["arriving"].get<std::uint64_t>(), "body", "bodies") + " arriving now";
}

std::string purge_text(const Json& maintenance) {
  if (!maintenance["purgesUploads"].get<bool>()) return "abandoned uploads are not purged";
  const Json& last = maintenance["lastPurge"];
  if (!last.is_object()) return "no purge of abandoned uploads since the start";
  return "uploads purged " + how_long(last["at"]) + " ago: " + last["removed"].dump() + " removed, " +
         last["busy"].dump() + " being written, " + last["failed"].dump() + " failed";
}

std::string sum_text(const Json& record, const char* state) {
  const Json sum = record.value("blobs", Json::object()).value(state, Json::object());
  return count_of(sum.value("count", std::uint64_t{0}), "blob", "blobs") + ", " +
         human_bytes(sum.value("bytes", std::uint64_t{0}));
}

std::string collection_text(const Json& last) {
  const std::string text = how_long(last["ended"]) + " ago";
  if (!last.contains("blobs")) return text + ": " + last.value("error", "");
  return text + ": " + sum_text(last, "freed") + " freed; " + sum_text(last, "parked") + " parked, " +
         sum_text(last, "waiting") + " before";
}

std::string verification_text(const Json& last) {
  const std::string text = how_long(last["ended"]) + " ago";
  if (!last.contains("findings")) return text + ": " + last.value("error", "");
  return text + ": " + count_of(last.value("blobs", std::uint64_t{0}), "blob", "blobs") + " read, " +
         count_of(last.value("findings", std::uint64_t{0}), "finding", "findings");
}

std::string queue_text(const Json& queue) {
  const std::string bytes = human_bytes(queue["bytes"].get<std::uint64_t>());
  return queue["endpoint"].get<std::string>() + ": " +
         (queue["waiting"].is_null() ? bytes + " in the queue" : queue["waiting"].dump() + " waiting");
}

} // namespace

std::string status_text(const Json& page) {
  const bool answers = !page["pool"].empty();
  std::string text = "berth " + page["version"].get<std::string>() + ": " + page["state"].get<std::string>();
  if (answers) text += page["well"].get<bool>() ? ", well" : ", NOT well";
  text += "\n\n";
  for (const Json& problem : page["problems"]) add(text, "PROBLEM", problem.get<std::string>());
  for (const Json& warning : page["warnings"]) add(text, "warning", warning.get<std::string>());
  const std::string debug = page["debug"].get<std::string>();
  add(text, "address", page["url"].get<std::string>() + (debug.empty() ? "" : ", debug server " + debug));
  if (const std::string processes = processes_text(page); !processes.empty()) add(text, "processes", processes);
  if (page.contains("certificate")) {
    const Json& certificate = page["certificate"];
    add(text, "certificate",
        "ends in " + certificate["days"].dump() + " days, " + certificate["ends"].get<std::string>() + " (" +
            certificate["file"].get<std::string>() + ")");
  }
  const Json& store = page["store"];
  add(text, "store",
      store["root"].get<std::string>() + (store.contains("free")
                                              ? ": " + human_bytes(store["free"].get<std::uint64_t>()) + " free of " +
                                                    human_bytes(store["size"].get<std::uint64_t>())
                                              : std::string()));
  if (page.contains("uploads")) add(text, "uploads", uploads_text(page["uploads"]));
  for (const Json& queue : page["webhooks"]) add(text, "webhook", queue_text(queue));
  const Json& maintenance = page["maintenance"];
  if (answers) add(text, "maintenance", purge_text(maintenance));
  if (const Json& last = maintenance["lastCollection"]; last.is_object()) add(text, "collected", collection_text(last));
  if (const Json& last = maintenance["lastVerification"]; last.is_object())
    add(text, "verified", verification_text(last));
  return text;
}

} // namespace berth::app
