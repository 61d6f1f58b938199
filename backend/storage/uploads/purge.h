// The purge of abandoned uploads in docker/distribution's form; FileUploads::purge says what it promises.
#pragma once

#include "driver/local_driver.h"
#include "storage/uploads/uploads.h"

namespace berth::storage {

Result<Purged> purge_uploads(driver::LocalDriver& driver, const PurgeOptions& options, const TellPurged& tell);

} // namespace berth::storage
