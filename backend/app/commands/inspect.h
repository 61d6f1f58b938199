// `berth inspect`: what an image of the store is made of.
#pragma once

#include <string>
#include <vector>

#include "app/commands/ls.h"

namespace berth::app {

// words: CONFIG and NAME, NAME:TAG or NAME@DIGEST, as split_config reads them; without a tag, latest. The exit code.
int inspect(const std::vector<std::string>& words, OutputForm form);

} // namespace berth::app
