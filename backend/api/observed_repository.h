// ObservedRepository: a repository that tells a request's events (request_events.h) what is done through it: blobs
// pushed, mounted, removed and sent; manifests put, tagged and removed. Endpoints of every face get it, so an endpoint
// that changes something need not tell of it.
// Reading a manifest is not told here: most manifests that a request reads are not what it answers with.
#pragma once

#include <memory>

#include "api/request_events.h"
#include "registry/registry.h"

namespace berth::api {

// Borrows: events. Threads: belongs to one request.
std::unique_ptr<registry::Repository> observed(std::unique_ptr<registry::Repository> repository, RequestEvents& events);

} // namespace berth::api
