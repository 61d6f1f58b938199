// What the tests of access control share: a clock to be set, a logger to be read.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"

namespace berth::test {

class SetClock final : public Clock {
public:
  Time now() const override { return Time(Time::duration(now_.load())); }
  void pass(Time::duration time) { now_ += time.count(); }

private:
  std::atomic<Time::duration::rep> now_ = Time::duration(std::chrono::hours(24 * 365 * 50)).count();
};

// Lines: "<level>: <message>", the fields as " name=value".
class KeptLog final : public Logger {
public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string line = level == LogLevel::error ? "error: " : level == LogLevel::warn ? "warn: " : "info: ";
    line += message;
    for (const auto& [name, value] : fields) line.append(" ").append(name).append("=").append(value);
    std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> take() {
    std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }

private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

} // namespace berth::test
