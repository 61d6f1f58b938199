// Location: where the bytes of something stored are, for whoever sends them to a client. A driver says it, and nginx,
// the client or the pool follows it.
#pragma once

#include <string>
#include <variant>

namespace berth {

struct StoredFile {
  std::string path; // below the root of the store, beginning with a slash: nginx sends it
};
struct StoredUrl {
  std::string url; // absolute, good for a while: the client is sent there
};
using Location = std::variant<StoredFile, StoredUrl, std::string>; // the last: the bytes themselves

} // namespace berth
