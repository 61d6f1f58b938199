// Locks: names that one holder has alone, or that many share, among threads, processes and, as an implementation says,
// hosts. A name is a path as StorageDriver takes it; it exists for nothing else. Held for a few changes that belong
// together, never while a client is waited for.
// Threads: safe. Errors: busy if others hold the name for longer than a disk under load needs; invalid for no name; io.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace berth::driver {

// Holds a lock until it is destroyed, or until the process dies.
class Lock {
public:
  virtual ~Lock() = default;
};

class Locks {
public:
  virtual ~Locks() = default;
  // Waits for all who hold the name.
  virtual Result<std::unique_ptr<Lock>> exclusive(const std::string& name) = 0;
  // Waits for who has it alone.
  virtual Result<std::unique_ptr<Lock>> shared(const std::string& name) = 0;
  // As exclusive(), but does not wait: busy, if anybody has it. Where an implementation cannot tell, it waits.
  virtual Result<std::unique_ptr<Lock>> try_exclusive(const std::string& name) { return exclusive(name); }
};

} // namespace berth::driver
