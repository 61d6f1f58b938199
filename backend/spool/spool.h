// The spool: the directory into which nginx writes request bodies before the pool hears of them (docs/decisions/0004).
// A body is a file that nginx makes, under a name of ten digits, and removes when the request has ended. The pool that
// is asked opens the file, and the store takes it by its inode (driver/filesystem_put.cc). What a killed nginx has left
// is removed here: all of it by empty_spool() at the next start, what is old by remove_old_bodies() now and then.
// Threads: safe.
#pragma once

#include <cstddef>
#include <string>

#include "base/content.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace berth::spool {

// Takes the spool: nginx removes a spooled file by its name, so two of them must not use one. To be inherited by nginx.
// Errors: invalid if another has it; storage_full, io.
Result<UniqueFd> lock_spool(const std::string& directory);

// Opens a body. An empty file is an empty body. Errors: io for a path that is not directly in the directory, or is no
// file.
Result<Content> open_spooled(const std::string& path, const std::string& directory);

// Removes the bodies of requests that nobody waits for any more. Requires: no nginx writes there. A pool may still read
// one: it holds the file open, and takes it by its inode or not at all.
void empty_spool(const std::string& directory);

// Both remove what was not written to for a day, which is longer than any request: bodies that a killed nginx has left
// in the spool, and what writers that died have left in a directory of temporary files. How many there were.
std::size_t remove_old_bodies(const std::string& directory);
std::size_t remove_old_temporaries(const std::string& directory);

} // namespace berth::spool
