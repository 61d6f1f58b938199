// RequestEvents: what one request did, told to the listener of notifications as it happens; but for a manifest, which
// is told when it has its tag, or when the request has succeeded.
// Threads: belongs to one request. Borrows: everything it is made of.
// Spec: docker/distribution's notifications; what the client's address is follows its rule too. The actor is whom
// access control verified.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/locations.h"
#include "auth/access.h"
#include "base/clock.h"
#include "base/random.h"
#include "http/message.h"
#include "model/descriptor.h"
#include "model/digest.h"
#include "model/names.h"
#include "notify/event.h"

namespace berth::api {

// Called when a manifest was pulled, by the tag or the digest that the reference is. Threads: called by all workers.
using ManifestPulled =
    std::function<void(const model::RepositoryName& repository, std::string_view reference, std::string_view agent)>;

// Where events go, and what they all say.
struct EventSettings {
  notify::Listener* listener = nullptr; // null if no events are sent
  Random* random = nullptr;             // of the events' ids; not null if there is a listener
  notify::Source source;
  bool include_references = false;
  ManifestPulled pulled = {}; // empty: nobody writes it down
};

class RequestEvents {
public:
  RequestEvents(const EventSettings& settings, const http::Request& request, const Locations& locations,
                const auth::Caller& caller, const Clock& clock)
      : settings_(settings), request_(request), locations_(locations), caller_(caller), clock_(clock) {}

  // Whether anybody listens; if not, all the rest does nothing.
  bool wanted() const { return settings_.listener != nullptr; }

  void blob(notify::Action action, const model::RepositoryName& repository, const model::Descriptor& descriptor);
  void mounted(const model::RepositoryName& repository, const model::Descriptor& descriptor, std::string from);
  // media_type and bytes are those of the manifest; tag is empty for one that was named by digest.
  void manifest(notify::Action action, const model::RepositoryName& repository, std::string_view media_type,
                const std::string& digest, std::string_view bytes, const std::string& tag);
  // The same for whoever writes down when what was pulled last: also for an answer that the client has it already, and
  // for HEAD of a tag; a HEAD of a digest asks only whether it is there.
  void pulled(const model::RepositoryName& repository, const model::Reference& reference) const;
  // A manifest was put: told by the tags that it gets now, or by finish().
  struct PutManifest {
    std::string media_type;
    model::CanonicalDigest canonical;
    std::string client_digest; // by which the client named it; the canonical one if it named none
    std::string bytes;
  };
  void put(const model::RepositoryName& repository, PutManifest manifest);
  // False if the manifest was not put by this request: nothing is told then.
  bool tagged(const model::RepositoryName& repository, const model::CanonicalDigest& manifest, const model::Tag& tag);
  // The request succeeded.
  void finish();
  void deleted(const model::RepositoryName& repository, const model::Digest& digest);
  void untagged(const model::RepositoryName& repository, const model::Tag& tag);
  void removed(const model::RepositoryName& repository); // all of it

private:
  notify::Target content(const model::RepositoryName& repository, std::string_view kind, std::string digest) const;
  void tell(notify::Action action, notify::Target target);

  const EventSettings& settings_;
  const http::Request& request_;
  const Locations& locations_;
  const auth::Caller& caller_;
  const Clock& clock_;
  struct Put {
    model::RepositoryName repository;
    PutManifest manifest;
    bool has_tag = false;
  };
  std::optional<Put> put_;
  std::string request_id_; // made with the first event
};

// Where the client is: as a proxy says by X-Forwarded-For or X-Real-Ip, else the connection's own ip:port.
std::string client_address(const http::Request& request);

} // namespace berth::api
