// RequestEvents: what one request did, told to the listener of notifications as it happens.
// Threads: belongs to one request. Borrows: everything it is made of.
// Spec: docker/distribution's notifications; who the actor and the client's address are is its rule too.
#pragma once

#include <string>

#include "api/locations.h"
#include "base/clock.h"
#include "base/random.h"
#include "http/message.h"
#include "model/descriptor.h"
#include "model/digest.h"
#include "model/names.h"
#include "notify/event.h"

namespace berth::api {

// Where events go, and what they all say.
struct EventSettings {
  notify::Listener* listener = nullptr; // null: nobody wants to know
  Random* random = nullptr;             // of the events' ids; not null if there is a listener
  notify::Source source;
  bool include_references = false;
};

class RequestEvents {
public:
  RequestEvents(const EventSettings& settings, const http::Request& request, const Locations& locations,
                const Clock& clock)
      : settings_(settings), request_(request), locations_(locations), clock_(clock) {}

  void blob(notify::Action action, const model::RepositoryName& repository, const model::Descriptor& descriptor);
  void mounted(const model::RepositoryName& repository, const model::Descriptor& descriptor, std::string from);
  // media_type and bytes are those of the manifest; tag is empty for one that was named by digest.
  void manifest(notify::Action action, const model::RepositoryName& repository, std::string_view media_type,
                const std::string& digest, std::string_view bytes, const std::string& tag);
  void deleted(const model::RepositoryName& repository, const model::Digest& digest);
  void untagged(const model::RepositoryName& repository, const model::Tag& tag);

private:
  bool wanted() const { return settings_.listener != nullptr; }
  notify::Target content(const model::RepositoryName& repository, std::string_view kind, std::string digest) const;
  void tell(notify::Action action, notify::Target target);

  const EventSettings& settings_;
  const http::Request& request_;
  const Locations& locations_;
  const Clock& clock_;
  std::string request_id_; // made with the first event
};

// The user that a request's Authorization claims by Basic; empty if there is none.
std::string basic_user(const http::Request& request);
// Where the client is: as a proxy says by X-Forwarded-For or X-Real-Ip, else the connection's own ip:port.
std::string client_address(const http::Request& request);

} // namespace berth::api
