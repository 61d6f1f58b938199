// BlobWriter: one upload in progress, the part of the services of blobs (blobs.h) that writes. It belongs to one
// request. Errors: those named, and io and storage_full from below.
#pragma once

#include <cstdint>
#include <string>

#include "base/content.h"
#include "base/result.h"
#include "model/descriptor.h"
#include "model/names.h"

namespace berth::registry {

// How far an upload has come. The state is for whoever goes on with it to bring back, unread and unchanged, as nobody
// but the store made it: a store whose hosts share nothing else keeps in it what is known of the upload. Empty:
// nothing.
struct UploadProgress {
  std::uint64_t size = 0; // bytes acknowledged
  std::string state;
};

// What a client said of the bytes that it sends: that they are a chunk of more, or nothing.
enum class Comes { whole, in_chunks };

// One upload in progress. In a store of files, holding a writer holds the upload: a second writer on the same upload is
// refused (busy), in this process or another, until this one is gone. In one of objects each writer goes on from the
// state that it was given, and the digest decides. What was appended survives the writer, and the process.
class BlobWriter {
public:
  virtual ~BlobWriter() = default;
  virtual const model::UploadId& id() const = 0;
  virtual UploadProgress progress() const = 0;
  std::uint64_t size() const { return progress().size; }
  // Takes content as the next bytes: all of it, or (on an error) none of it. comes: a hint of how much is to follow.
  // Durable: on return the bytes are on disk (the hash state may be lost, and the bytes are hashed again then).
  virtual Result<> append(Content content, Comes comes) = 0;
  // Takes the rest, verifies that all of it is `digest`, makes the blob visible in the repository and ends the upload.
  // Errors: digest_invalid (the upload is gone then); blob_upload_unknown if the upload vanished meanwhile.
  // Durable: on return blob and link are on disk.
  virtual Result<model::Descriptor> commit(Content rest, const model::Digest& digest) = 0;
  // Ends the upload and drops its bytes.
  virtual Result<> cancel() = 0;
};

} // namespace berth::registry
