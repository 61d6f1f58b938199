// The Logger that writes to stderr, through spdlog, in one of docker/distribution's forms:
//   text      time="2024-01-02T03:04:05.678Z" level=info msg="message" name=value
//   json      {"time":…,"level":"info","msg":"message","name":"value"}
//   logstash  {"@timestamp":…,"@version":"1","level":"info","message":"message","name":"value"}
// Every line has the process's instance.id and version, log.fields, and within a request its id (base/log_context.h) as
// `request`.
// Threads: safe.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"

namespace berth::app {

// instance: of the lines, as make_instance gives it.
std::unique_ptr<Logger> make_logger(const config::Log& log, std::string instance);
// With an instance of its own, for a command.
std::unique_ptr<Logger> make_logger(const config::Log& log);
// A UUID: which run of berth a line, or an event, comes from.
std::string make_instance();

// Logs the warnings about the config, and the keys that have no effect.
void log_what_config_says(const config::Loaded& loaded, Logger& logger);
// The URL of the registry, for clients on this machine.
std::string url_of(const config::Config& config);
// Where the registry listens, where its data is, and what to try first.
void log_where_it_is(const config::Config& config, Logger& logger);
// Where a pool without nginx listens, and that clients need one.
void log_where_the_pool_is(const std::string& socket, Logger& logger);

// The line, without its end. Nothing in it can begin another line.
std::string log_line(const config::Log& log, std::string_view instance, Time now, LogLevel level,
                     std::string_view message, std::initializer_list<LogField> fields);

} // namespace berth::app
