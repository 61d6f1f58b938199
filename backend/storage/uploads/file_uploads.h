// FileUploads: uploads in docker/distribution's form: `_uploads/<id>/` with startedat,
// data and hashstates/sha256/<offset>, so that either registry can finish what the other began.
//
// One writer at a time: a writer holds the lock on `startedat` as long as it lives. The length of an upload is the
// greatest offset for which there is a true hash state within data; what a dead writer left behind it is not
// acknowledged, and the next append overwrites it. Without one (an upload of an old registry, or one of up to 256 KiB:
// docs/decisions/0017) it is the length of data, all of which is hashed when it is committed.
// Order: data is durable before its hash state exists, so a state never vouches for bytes that a power cut took. The
// blob gets data as a second name of the same file, and the upload goes last: a commit that fails half-way (a full
// disk) can be tried again.
// Borrows: everything it is made of.
#pragma once

#include "base/random.h"
#include "driver/local_driver.h"
#include "model/digester.h"
#include "storage/uploads/uploads.h"

namespace berth::storage {

class FileUploads final : public UploadStore {
public:
  FileUploads(driver::LocalDriver& driver, const Clock& clock, Random& random)
      : driver_(driver), clock_(clock), random_(random) {}

  std::unique_ptr<Uploads> of(const model::RepositoryName& repository) override;
  // Each upload is locked first, as its writers lock it. An upload's age counts from its `startedat`; one whose
  // `startedat` cannot be read stays. Where there is none at all, a removal was cut short: its age counts from then.
  Result<Purged> purge(const PurgeOptions& options, const TellPurged& tell) override;

private:
  class OfRepository;
  class Writer;

  driver::LocalDriver& driver_;
  const Clock& clock_;
  Random& random_;
};

} // namespace berth::storage
