// Measured and MeasuredLocks: a driver, and locks, before others, which tell how long each action took, by
// docker/distribution's names of actions.
// Threads: safe, as the driver and tell are. Borrows: the driver.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "driver/local_driver.h"

namespace berth::driver {

using TellTime = std::function<void(std::string_view action, std::chrono::duration<double> time)>;

template <class Action>
std::invoke_result_t<const Action&> timed(const TellTime& tell, std::string_view name, const Action& action) {
  const auto begun = std::chrono::steady_clock::now();
  auto result = action();
  tell(name, std::chrono::steady_clock::now() - begun);
  return result;
}

// Driver: StorageDriver or LocalDriver.
template <class Driver>
class MeasuredAs : public Driver {
public:
  MeasuredAs(Driver& driver, TellTime tell) : driver_(driver), tell_(std::move(tell)) {}

  Result<FileInfo> stat(const std::string& path) override {
    return timed("Stat", [&] { return driver_.stat(path); });
  }
  Result<std::vector<Entry>> list(const std::string& path, const std::string& after, std::size_t limit) override {
    return timed("List", [&] { return driver_.list(path, after, limit); });
  }
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override {
    return timed("GetContent", [&] { return driver_.get_content(path, max_bytes); });
  }
  Result<Content> open(const std::string& path) override {
    return timed("GetContent", [&] { return driver_.open(path); });
  }
  Result<Location> locate(const std::string& path) override {
    return timed("RedirectURL", [&] { return driver_.locate(path); });
  }
  Result<> put_scratch(const std::string& path, std::string_view bytes) override {
    return timed("PutContent", [&] { return driver_.put_scratch(path, bytes); });
  }
  Result<> put(std::vector<PutFile> files) override {
    return timed("PutContent", [&] { return driver_.put(std::move(files)); });
  }
  Result<Version> put_if(const std::string& path, std::string_view bytes,
                         const std::optional<Version>& expected) override {
    return timed("PutContent", [&] { return driver_.put_if(path, bytes, expected); });
  }
  Result<> remove(const std::string& path, Durability durability) override {
    return timed("Delete", [&] { return driver_.remove(path, durability); });
  }
  Result<> discard(const std::string& directory) override {
    return timed("Delete", [&] { return driver_.discard(directory); });
  }
  Result<> remove_empty(const std::string& directory) override {
    return timed("Delete", [&] { return driver_.remove_empty(directory); });
  }
  Result<> settle(const std::string& directory) override {
    return timed("Delete", [&] { return driver_.settle(directory); });
  }

protected:
  template <class Action>
  std::invoke_result_t<const Action&> timed(std::string_view name, const Action& action) {
    return driver::timed(tell_, name, action);
  }

  Driver& driver_;

private:
  TellTime tell_;
};

using MeasuredStore = MeasuredAs<StorageDriver>;

class Measured final : public MeasuredAs<LocalDriver> {
public:
  using MeasuredAs::MeasuredAs;

  Result<> make_directory(const std::string& path) override {
    return timed("PutContent", [&] { return driver_.make_directory(path); });
  }
  Result<> append(const std::string& path, std::uint64_t offset, const Content& content) override {
    return timed("PutContent", [&] { return driver_.append(path, offset, content); });
  }
  Result<> remove_files(const std::string& directory, std::span<const std::string_view> names) override {
    return timed("Delete", [&] { return driver_.remove_files(directory, names); });
  }
  Result<std::unique_ptr<Lock>> make_locked(const std::string& path, std::string_view bytes) override {
    return timed("PutContent", [&] { return driver_.make_locked(path, bytes); });
  }
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
    return timed("Lock", [&] { return driver_.lock(path); });
  }
};

class MeasuredLocks final : public Locks {
public:
  MeasuredLocks(Locks& locks, TellTime tell) : locks_(locks), tell_(std::move(tell)) {}

  Result<std::unique_ptr<Lock>> exclusive(const std::string& name) override {
    return timed(tell_, "Lock", [&] { return locks_.exclusive(name); });
  }
  Result<std::unique_ptr<Lock>> shared(const std::string& name) override {
    return timed(tell_, "Lock", [&] { return locks_.shared(name); });
  }
  Result<std::unique_ptr<Lock>> try_exclusive(const std::string& name) override {
    return timed(tell_, "Lock", [&] { return locks_.try_exclusive(name); });
  }

private:
  Locks& locks_;
  TellTime tell_;
};

} // namespace berth::driver
