#include "app/commands/status.h"

#include <cstdio>
#include <optional>

#include "app/commands/commands.h"
#include "app/commands/complain.h"
#include "app/commands/environment.h"
#include "app/commands/registry_facts.h"
#include "app/logger.h"
#include "app/nginx/certificate.h"
#include "app/pool/certificate_watch.h"
#include "app/supervisor/account.h"
#include "app/version.h"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t least_free_percent = 5;

std::string whole_seconds(Time time) { return to_rfc3339(std::chrono::floor<std::chrono::seconds>(time)); }

class Page {
public:
  Page(const config::Loaded& loaded, std::optional<Time> file_ends) : config_(loaded.config), file_ends_(file_ends) {
    for (const std::string& warning : loaded.warnings) warn(warning);
  }

  Json make() {
    page_ = {{"state", ""}, {"well", false}, {"version", version()}};
    add_addresses();
    add_processes();
    add_certificate();
    add_store();
    add_queues();
    add_maintenance();
    page_["well"] = runs_ && problems_.empty();
    page_["problems"] = problems_;
    page_["warnings"] = warnings_;
    return std::move(page_);
  }

private:
  void warn(std::string text) { warnings_.push_back(std::move(text)); }

  void add_addresses() {
    page_["url"] = url_of(config_);
    if (config_.http.prefix != "/") page_["url"] = page_["url"].get<std::string>() + config_.http.prefix;
    page_["debug"] = config_.http.debug.addr;
    if (config_.storage.read_only) warn("read-only: everything that writes is answered 405");
  }

  // The pool's own word, and what is wrong with it.
  void ask() {
    const auto vars = ask_pool(config_, "/debug/vars");
    if (!vars && is(vars.error(), Code::not_permitted)) {
      may_ask_ = false;
      problems_.push_back("this user may not ask the pool (" + vars.error().message +
                          "): be root, or the user who serves");
      return;
    }
    if (!vars) {
      problems_.push_back("no pool answers on " + config_.berth.socket + ": " + vars.error().message);
      return;
    }
    runs_ = true;
    if (const auto told = vars->json.find("registry"); told != vars->json.end() && told->contains("berth"))
      pool_ = (*told)["berth"];
    if (pool_.contains("version")) page_["version"] = pool_["version"];
    const auto health = ask_pool(config_, "/debug/health");
    if (!health) problems_.push_back(health.error().message);
    if (!health) return;
    constexpr std::string_view mark = "warning: ";
    for (const auto& [check, why] : health->json.items()) {
      const std::string text = why.is_string() ? why.get<std::string>() : why.dump();
      if (text.starts_with(mark))
        warn(text.substr(mark.size()));
      else
        problems_.push_back("a health check fails: " + check + ": " + text);
    }
  }

  void add_processes() {
    const Processes found = processes_of(config_);
    ask();
    const bool supervised = found.supervisor > 0;
    page_["state"] = !may_ask_             ? "not known"
                     : runs_ && supervised ? "running"
                     : runs_               ? "pool alone"
                     : supervised          ? "not serving"
                                           : "not running";
    page_["processes"] = {{"berth", found.supervisor},
                          {"since", supervised ? Json(whole_seconds(found.since)) : Json(nullptr)},
                          {"pools", found.pools},
                          {"nginx", found.nginx},
                          {"nginxWorkers", found.nginx_workers}};
    page_["pool"] = pool_;
    if (supervised && found.nginx == 0) problems_.push_back("nginx does not run");
  }

  // What nginx serves counts; the file may be newer.
  void add_certificate() {
    if (config_.http.tls_certificate.empty()) return;
    std::optional<Time> served;
    if (const auto ends = pool_.find("certificateEnds"); ends != pool_.end() && ends->is_string())
      if (const auto time = parse_rfc3339(ends->get<std::string>())) served = *time;
    const std::optional<Time> ends = served ? served : file_ends_;
    if (!ends) return;
    const Time now = SystemClock().now();
    page_["certificate"] = {{"file", config_.http.tls_certificate},
                            {"ends", whole_seconds(*ends)},
                            {"days", static_cast<long>(days_until(*ends, now))}};
    if (served && file_ends_ && whole_seconds(*served) != whole_seconds(*file_ends_))
      warn(config_.http.tls_certificate + " holds another certificate than the one that is served: send SIGHUP");
    if (const std::string warning = certificate_warning(*ends, now); !served && !warning.empty()) warn(warning);
  }

  void add_store() {
    page_["store"] = {{"root", config_.storage.shown()}};
    const auto space = space_of(config_.storage.root);
    if (!space) {
      problems_.push_back(space.error().message);
      return;
    }
    page_["store"]["size"] = space->size;
    page_["store"]["free"] = space->free;
    if (space->free < space->size / 100 * least_free_percent)
      warn("less than " + std::to_string(least_free_percent) + " % of the store's file system is free");
    const UploadCounts uploads = count_uploads(config_);
    page_["uploads"] = {{"begun", uploads.begun}, {"allCounted", uploads.all_counted}, {"arriving", uploads.arriving}};
  }

  void add_queues() {
    page_["webhooks"] = Json::array();
    for (const QueueState& queue : queues_of(config_)) {
      page_["webhooks"].push_back({{"endpoint", queue.endpoint},
                                   {"waiting", queue.waiting ? Json(*queue.waiting) : Json(nullptr)},
                                   {"bytes", queue.bytes}});
      if (queue.bytes > config_.berth.notification_queue_bytes / 2)
        warn("the queue of the endpoint " + queue.endpoint + " is more than half full (berth.notifications.maxqueue)");
    }
  }

  void add_maintenance() {
    page_["maintenance"] = {{"purgesUploads", config_.storage.purging.enabled && !config_.storage.read_only},
                            {"lastPurge", pool_.value("lastPurge", Json(nullptr))}};
  }

  const config::Config& config_;
  const std::optional<Time> file_ends_;
  Json page_, pool_ = Json::object();
  std::vector<std::string> problems_, warnings_;
  bool runs_ = false, may_ask_ = true;
};

Result<Json> page_of(const std::string& config_path) {
  BERTH_TRY(const auto loaded, config::load(config_path, environment_of_process()));
  const config::Config& config = loaded.config;
  std::optional<Time> file_ends;
  if (const auto pair = read_tls_files(config.http, SystemClock().now())) file_ends = pair->ends; // as root, perhaps
  BERTH_TRY(const Account account, account_of(config));
  BERTH_CHECK(work_as(account));
  return Page(loaded, file_ends).make();
}

} // namespace

int status(const std::string& config_path, OutputForm form) {
  const auto page = page_of(config_path);
  if (!page) return complain(page.error());
  if (form == OutputForm::json)
    std::puts(page->dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  else
    std::fputs(status_text(*page).c_str(), stdout);
  return page->value("well", false) ? exit_ok : exit_failure;
}

} // namespace berth::app
