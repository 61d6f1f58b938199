// A push as the fault tests make it, the record of what was acknowledged, and the inspection of a store afterwards.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cache/cached_blob_statter.h"
#include "driver/file_locks.h"
#include "driver/filesystem.h"
#include "registry/registry.h"
#include "storage/registry.h"
#include "storage/uploads/file_uploads.h"

namespace berth::test {

inline constexpr int max_calls = 1000; // that any of what is tried here makes of its disk
// Every call of a disk fails once. The address sanitizer, ten times slower, looks at every seventh: it is there for
// what the paths of errors do with memory, and those have not so many.
#ifdef __SANITIZE_ADDRESS__
inline constexpr int call_step = 7;
#else
inline constexpr int call_step = 1;
#endif

// A registry over a directory, with the disk that the test gives it.
class Store {
public:
  Store(const std::string& root, driver::FsOps& ops);
  std::unique_ptr<registry::Repository> repository(const std::string& name);
  registry::Registry& registry() { return registry_; }

private:
  SystemClock clock_;
  SystemRandom random_;
  NullLogger logger_;
  driver::Filesystem driver_;
  cache::Cache cache_;
  driver::FileLocks locks_;
  storage::FileUploads uploads_;
  storage::Registry registry_;
};

// What the registry said it had.
struct Acknowledged {
  std::map<std::string, std::string> blobs; // digest to bytes
  std::map<std::string, std::string> manifests;
  std::optional<std::string> tag_target;                       // of team/app:v1
  std::optional<std::pair<std::string, std::string>> referrer; // its subject, and what refers to it
  std::optional<std::string> upload;                           // an upload in progress,
  std::uint64_t upload_size = 0;                               // of which so much was acknowledged
};

// Pushes an image to team/app:v1: a config in one piece, a layer in three chunks, the manifest, one that refers to it,
// the tag; stops at the first error, as a client would. spool: where the content's files are made.
Acknowledged push(Store& store, const std::string& spool);

// Everything wrong with a store: blobs whose bytes are not their digest, links that lead nowhere or hold no digest.
std::vector<std::string> faults_of(const std::string& root);
// Everything acknowledged that the store does not have.
std::vector<std::string> missing_from(Store& store, const Acknowledged& acknowledged);

} // namespace berth::test
