// The message of every value that a config may not have: `FILE:LINE: key: "value": allowed is ...`. For config/ alone.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/keys.h"
#include "config/node.h"

namespace berth::config {

std::unexpected<Error> refuse(const Node& node, std::string_view path, const std::string& allowed,
                              Secrecy secrecy = Secrecy::open);
// The same of a value that is not there. where: the map that it should be in.
std::unexpected<Error> refuse_missing(const Node& where, std::string_view path, const std::string& allowed);

} // namespace berth::config
