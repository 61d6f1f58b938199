#include "app/logger.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

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

// A value as it may stand in a line: quoted if it has blanks, and without anything that could forge another line.
void append_value(std::string& line, std::string_view value) {
  const bool quoted = value.empty() || value.find_first_of(" \"=") != std::string_view::npos;
  if (quoted) line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  if (quoted) line += '"';
}

class SpdLogger final : public Logger {
public:
  explicit SpdLogger(LogLevel level) : log_("berth", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    log_.set_level(level_of(level));
    log_.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5!l %v", spdlog::pattern_time_type::utc);
    log_.flush_on(spdlog::level::trace);
  }

  bool enabled(LogLevel level) const override { return log_.should_log(level_of(level)); }

  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    if (!enabled(level)) return;
    std::string line;
    for (const char c : message) line += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    for (const auto& [name, value] : fields) {
      line.append(" ").append(name).append("=");
      append_value(line, value);
    }
    log_.log(level_of(level), "{}", line);
  }

private:
  spdlog::logger log_;
};

} // namespace

std::unique_ptr<Logger> make_logger(LogLevel level) { return std::make_unique<SpdLogger>(level); }

} // namespace berth::app
