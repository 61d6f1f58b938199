// `berth ls`: the repositories of a store, or the tags of one of them.
#pragma once

#include <string>
#include <vector>

#include "app/commands/progress.h"

namespace berth::app {

enum class OutputForm { text, json };

// words: CONFIG and perhaps a repository, as split_config reads them. The exit code: 1 also if a tag cannot be read.
int ls(const std::vector<std::string>& words, OutputForm form, Loudness loudness);

} // namespace berth::app
