// DeadLink: a link of a repository that a mark has judged, for a sweep to carry out. A mark names the links that
// nothing needs any more, in their place or parked; and those that are parked and needed, which get their place again.
#pragma once

#include <string>

namespace berth::storage {

struct DeadLink {
  std::string link_path;  // of the link file in its place: …/link
  bool is_needed = false; // dead no more: if it is parked, it is brought back
};

} // namespace berth::storage
