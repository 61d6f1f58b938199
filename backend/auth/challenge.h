// Values of WWW-Authenticate, as docker/distribution writes them. Spec: RFC 7617, RFC 6750; docker/distribution,
// "Token Authentication Specification".
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "auth/access.h"

namespace berth::auth {

// A text in quotes as Go's strconv.Quote makes it: UTF-8 stays, no control character does.
std::string go_quote(std::string_view text);

// host[:port] of scheme://host[:port]: what a registry calls itself where nothing else is configured.
std::string_view host_of(std::string_view origin);

// Basic realm="..."
std::string basic_challenge(std::string_view realm);

// How actions become scopes: one for each resource with all its actions (repository:team/app:pull,push), or one each.
enum class Grouping { by_resource, by_action };

// Bearer realm="...",service="...",scope="...",error="..."; without a scope if nothing is needed, without an error if
// that is empty. Each action is named once, in the order of the first that names it.
std::string bearer_challenge(std::string_view realm, std::string_view service, std::span<const Access> needed,
                             Grouping grouping, std::string_view error = {});

} // namespace berth::auth
