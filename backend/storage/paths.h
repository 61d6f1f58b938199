// The path of everything in a store: the one place that knows docker/distribution's tree.
// Spec: docs/storage-layout.md. Every path is a driver path: it begins with a slash and is below the driver's root.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/digest.h"
#include "model/image_id.h"
#include "model/names.h"

namespace berth::storage::paths {

using model::CanonicalDigest;
using model::Digest;
using model::ImageId;
using model::RepositoryName;
using model::Tag;
using model::UploadId;

std::string blob_data(const CanonicalDigest& digest); // blobs/sha256/<hh>/<hex>/data
std::string blobs();                                  // the directory of the <hh>

// The canonical digest of a blob that was pushed under another one: berth's own, beside docker/distribution's tree.
std::string blob_alias(const Digest& digest);
std::string blob_aliases(); // the directory of all of them

// Of verification: when the blobs of a shard were read, whether a run is going on, and where damaged blobs are put.
std::string verified_shard(std::string_view shard);
std::string verify_run();
std::string verify_record(); // what the last run was
std::string verify_lock();   // whoever verifies in the background holds it
std::string damaged_blob(const CanonicalDigest& digest, Time found);

std::string repositories();
std::string repository(const RepositoryName& name);
inline constexpr std::string_view manifests_directory = "_manifests"; // its presence makes a directory a repository
std::string manifests(const RepositoryName& name);

std::string layers(const RepositoryName& name);
std::string layer_link(const RepositoryName& name, const Digest& digest);
std::string revision_link(const RepositoryName& name, const Digest& digest);
std::string revisions(const RepositoryName& name); // the directory of revisions by canonical digest
std::string aliases(const RepositoryName& name);   // that of revisions by other digests

// The directory of all subjects, that of what refers to one, and that of one entry in it.
std::string referrers(const RepositoryName& name);
std::string referrers(const RepositoryName& name, const Digest& subject);
std::string referrer(const RepositoryName& name, const Digest& subject, const Digest& digest);

// The signatures of a schema1 manifest: one link each, by the digest of the signature's blob.
std::string signatures(const RepositoryName& name, const CanonicalDigest& manifest);
std::string signature_link(const RepositoryName& name, const CanonicalDigest& manifest, const Digest& signature);

std::string tags(const RepositoryName& name);
std::string tag(const RepositoryName& name, const Tag& tag);
std::string tag_current_link(const RepositoryName& name, const Tag& tag);
std::string tag_alias(const RepositoryName& name, const Tag& tag); // the other digest that its manifest was pushed with
std::string tag_index_link(const RepositoryName& name, const Tag& tag, const CanonicalDigest& digest);

// tag_lock: the lock to hold while changing a tag. manifest_lock: a deletion holds it alone; writers that tag the
// manifest, or enter it among the referrers, share it. Repositories share lock files by hash.
std::string tag_lock(const RepositoryName& name, const Tag& tag);
std::string manifest_lock(const RepositoryName& name, const CanonicalDigest& digest);
// The removal of a repository holds it alone; whoever makes manifests and tags in it shares it. It comes before both.
std::string repository_lock(const RepositoryName& name);
// Exists while a manifest is being removed and has not been tagged since.
std::string removal(const RepositoryName& name, const CanonicalDigest& digest);

// What garbage collection has parked (storage/collect/quarantine.h): a blob apart from its place, a link beside it.
std::string parked_blob(const CanonicalDigest& digest); // /berth/collected/sha256/<hh>/<hex>
std::string directory_of(const std::string& path);      // that a file is in
std::string link_in(const std::string& directory);      // …/link
std::string parked_link(const std::string& link);       // …/link -> …/collected
// The directories of the blobs whose digests begin with two digits: in their place, and parked.
std::string blob_shard(std::string_view digits);
std::string parked_shard(std::string_view digits);
std::vector<std::string> shards(); // the digits of all, "00" to "ff"
std::string collection_began();    // a file that each run touches, for the time by the store's clock
std::string collection_record();   // what the last run was
std::string retention_began();     // the same of the runs of retention
std::string collection_lock();     // whoever collects holds it, from the mark to the end of the sweep
std::string removed();             // the directory of the log of removals (storage/collect/removal_log.h)
// When manifests were pulled (storage/retention/pull_times.h): when that began to be written down, what pools have
// written since, and all that was before.
std::string pulls_since();
std::string new_pulls();
std::string known_pulls();
std::string pools_lock(); // every pool shares it: whoever needs all of them stopped asks for it alone

std::string uploads(const RepositoryName& name);
std::string upload(const RepositoryName& name, const UploadId& id);
std::string upload_data(const RepositoryName& name, const UploadId& id);
std::string upload_started_at(const RepositoryName& name, const UploadId& id);
std::string upload_hash_states(const RepositoryName& name, const UploadId& id);
std::string upload_hash_state(const RepositoryName& name, const UploadId& id, std::uint64_t offset);

// What is kept of uploads to objects (storage/uploads/object_uploads.h): a directory an upload, below that of all.
std::string object_uploads();
std::string object_upload(const UploadId& id);

// The files of v1 images, beside v2/: docker/distribution does not look there.
std::string v1_images();
std::string v1_json(const ImageId& id);
std::string v1_image(const ImageId& id);   // its presence makes an image a finished one
std::string v1_uploads(const ImageId& id); // the layers that came for an image which is not finished
std::string v1_upload(const ImageId& id, const CanonicalDigest& payload);
std::string v1_lock(const ImageId& id);         // who changes an image holds this lock; one serves many
std::string v1_repositories(const ImageId& id); // a tree of the repositories that an image is in
inline constexpr const char* v1_member_file = "_manifest";
std::string v1_member(const ImageId& id, const RepositoryName& name);
std::string v1_pushed(const RepositoryName& name); // the directory of the manifests that were made of a pushed image
std::string v1_pushed(const RepositoryName& name, const CanonicalDigest& manifest);
std::string v1_note(const RepositoryName& name, const model::Tag& tag);
std::string v1_notes(const RepositoryName& name); // the directory of all of them

} // namespace berth::storage::paths
