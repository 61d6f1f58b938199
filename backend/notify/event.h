// Event: one thing that happened to the store, as the endpoints of notifications are told of it.
// Spec: docker/distribution's notifications (docs/operations.md, "Notifications").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace berth::notify {

enum class Action { pull, push, mount, remove };

// "pull", "push", "mount", "delete".
std::string_view name_of(Action action);

// The object of the event. Empty members are omitted from the JSON.
struct Target {
  std::string media_type;
  std::string digest;
  std::optional<std::uint64_t> size;
  std::string repository;
  std::string from_repository; // of a mount
  std::string url;
  std::string tag;
  std::string references; // a JSON array of descriptors, see references_of
};

// The request that made it happen.
struct RequestRecord {
  std::string id;
  std::string address; // of the client, with a port if it is the connection's own
  std::string host;
  std::string method;
  std::string user_agent;
};

// The registry that saw it.
struct Source {
  std::string address;  // hostname:port
  std::string instance; // new with every start
};

struct Event {
  std::string id;
  Time time;
  Action action = Action::pull;
  Target target;
  RequestRecord request;
  std::string actor; // a user's name
  Source source;
};

// The event as JSON on one line, the fields in docker/distribution's order. Bytes that are no UTF-8 become U+FFFD.
std::string to_json(const Event& event);

// The body of a POST: the event in an envelope, indented as docker/distribution does.
// Errors: corrupt for anything that is no JSON object.
Result<std::string> envelope_of(std::string_view event_json);

// Returns the descriptors that a manifest names, as a JSON array for Target::references: config and layers, or the
// children of an index. Empty if the bytes are no manifest.
std::string references_of(std::string_view manifest);

// Where events go.
// Threads: safe.
class Listener {
public:
  virtual ~Listener() = default;
  // Takes note of an event, never waits for an endpoint and never fails: what cannot be noted is logged and counted.
  // Durable: push, mount and delete are on disk when this returns; a pull survives the death of every process.
  virtual void record(const Event& event) = 0;
};

} // namespace berth::notify
