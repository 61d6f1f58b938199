// Finding: what a verification finds that is not as it should be, and what was done about it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::storage {

enum class FindingKind {
  damaged,       // a blob whose bytes are not its digest
  unreadable,    // what the disk or the file's owner does not give out
  incomplete,    // a manifest that names what is not there, or that is none
  dangling_tag,  // a tag without its manifest
  bad_link,      // a link file that holds no digest, or another one than its name
  dangling_link, // a link to a blob that is not there: it grants nothing
  bad_upload,    // an upload that nobody can date, so that it is never purged
};
std::string_view name_of(FindingKind kind);

struct Finding {
  FindingKind kind{};
  std::string why;                        // in words
  std::string path;                       // in the store
  std::string repository = {};            // empty: of the whole store
  std::vector<std::string> tags = {};     // that lead to it
  std::string digest = {};                // of the blob, the manifest
  std::optional<std::uint64_t> size = {}; // of the blob
  std::string action = {};                // what was done; empty: nothing
};

// Threads: called by one at a time.
using TellFinding = std::function<void(const Finding&)>;

} // namespace berth::storage
