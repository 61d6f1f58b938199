#include "app/logger.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/version.h"
#include "base/log_context.h"
#include "base/random.h"
#include "config/address.h"

namespace berth::app {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
  case LogLevel::debug: return spdlog::level::debug;
  case LogLevel::info: return spdlog::level::info;
  case LogLevel::warn: return spdlog::level::warn;
  case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name_of(LogLevel level) {
  switch (level) {
  case LogLevel::debug: return "debug";
  case LogLevel::info: return "info";
  case LogLevel::warn: return "warning"; // as docker/distribution has it
  case LogLevel::error: return "error";
  }
  return "info";
}

// A value as it may stand in a line: quoted if it has blanks, and without anything that could forge another line.
void append_value(std::string& line, std::string_view value) {
  const bool quoted = value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
  if (quoted) line += '"';
  for (const char c : value) {
    if (quoted && (c == '"' || c == '\\')) line += '\\';
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  if (quoted) line += '"';
}

// Calls add(name, value) for each further field of a line, after time, level and message.
template <class Add>
void for_each_field(const config::Log& log, std::string_view instance, std::initializer_list<LogField> fields,
                    const Add& add) {
  const auto is_given = [&](std::string_view name) {
    return std::ranges::any_of(log.fields, [&](const auto& field) { return field.first == name; });
  };
  if (const std::string_view request = LogContext::request_id(); !request.empty()) add("request", request);
  for (const auto& [name, value] : fields) add(name, value);
  if (!is_given("instance.id")) add("instance.id", instance);
  for (const auto& [name, value] : log.fields) add(name, value);
  if (!is_given("version")) add("version", version());
}

// Where clients on this machine find the registry.
std::string host_of(const config::Config& config) {
  const config::ListenAddress address = config::parse_listen_address(config.http.addr).value();
  return address.host.empty() ? "localhost:" + std::to_string(address.port) : config.http.addr;
}

class SpdLogger final : public Logger {
public:
  SpdLogger(config::Log log, std::string instance)
      : options_(std::move(log)),
        instance_(std::move(instance)),
        log_("berth", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    log_.set_level(level_of(options_.level));
    log_.set_pattern("%v");
    log_.flush_on(spdlog::level::trace);
  }

  bool enabled(LogLevel level) const override { return log_.should_log(level_of(level)); }

  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    if (enabled(level))
      log_.log(level_of(level), "{}",
               log_line(options_, instance_, std::chrono::system_clock::now(), level, message, fields));
  }

private:
  const config::Log options_;
  const std::string instance_;
  spdlog::logger log_;
};

} // namespace

std::string log_line(const config::Log& log, std::string_view instance, Time now, LogLevel level,
                     std::string_view message, std::initializer_list<LogField> fields) {
  const std::string time = to_rfc3339_nano(std::chrono::floor<std::chrono::milliseconds>(now));
  if (log.format == config::LogFormat::text) {
    std::string line = "time=\"" + time + "\" level=" + std::string(name_of(level)) + " msg=";
    append_value(line, message);
    for_each_field(log, instance, fields, [&](std::string_view name, std::string_view value) {
      line.append(" ").append(name).append("=");
      append_value(line, value);
    });
    return line;
  }
  const bool logstash = log.format == config::LogFormat::logstash;
  nlohmann::ordered_json line{
      {logstash ? "@timestamp" : "time", time}, {"level", name_of(level)}, {logstash ? "message" : "msg", message}};
  if (logstash) line["@version"] = "1";
  for_each_field(log, instance, fields, [&](std::string_view name, std::string_view value) {
    if (!line.contains(name)) line[std::string(name)] = value;
  });
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void log_what_config_says(const config::Loaded& loaded, Logger& logger) {
  for (const std::string& warning : loaded.warnings) logger.warn(warning);
  for (const std::string& note : loaded.notes) logger.info(note);
}

std::string url_of(const config::Config& config) {
  return (config.http.tls_certificate.empty() ? "http://" : "https://") + host_of(config);
}

void log_where_it_is(const config::Config& config, Logger& logger) {
  const std::string shown = host_of(config);
  logger.info("listening on " + url_of(config));
  if (!config.http.debug.addr.empty()) logger.info("debug server listening on " + config.http.debug.addr);
  logger.info("data is in " + config.storage.shown());
  logger.info("try: docker tag IMAGE " + shown + "/IMAGE && docker push " + shown + "/IMAGE");
}

void log_where_the_pool_is(const std::string& socket, Logger& logger) {
  logger.info("a pool alone, listening on unix:" + socket +
              ": clients reach it by way of an nginx; `berth up` is both");
}

std::unique_ptr<Logger> make_logger(const config::Log& log, std::string instance) {
  return std::make_unique<SpdLogger>(log, std::move(instance));
}

std::unique_ptr<Logger> make_logger(const config::Log& log) { return make_logger(log, make_instance()); }

std::string make_instance() {
  SystemRandom random;
  return uuid4(random);
}

} // namespace berth::app
