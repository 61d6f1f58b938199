// What a store holds, kind by kind, over any StorageDriver: each is called back in byte order, a page of names in
// memory at a time. What is not there has nothing in it; what comes or goes meanwhile may or may not be found; names
// that the layout cannot have are passed over (decision 31).
//
// What each holds a reference to: a link, a tag, a referrer and a membership to the digest that read_link() reads in
// its file; a manifest to what references_of() finds in its bytes; a v1 record to its layer and its parent
// (v1/record.h); an upload to nothing.
//
// Threads: safe. Errors: those of the driver but not_found, and whatever the callback returns, which ends the walk.
#pragma once

#include <functional>
#include <string>

#include "driver/storage_driver.h"
#include "model/digest.h"
#include "model/image_id.h"
#include "model/names.h"

namespace berth::storage {

// Names that are read at once: a directory of a million is read some sixty times, and takes two megabytes.
inline constexpr std::size_t page_size = 16384;

using EachEntry = std::function<Result<>(const driver::Entry& entry)>;
Result<> each_entry(driver::StorageDriver& driver, const std::string& directory, const EachEntry& each);

// What a directory of links has by digest: of layers, revisions, signatures, aliases. `directory` is that of one
// digest; in it are `link`, or `collected` in its place where the link is parked, or neither.
using EachLink = std::function<Result<>(const model::Digest& digest, const std::string& directory)>;
Result<> each_layer(driver::StorageDriver& driver, const model::RepositoryName& name, const EachLink& each);
Result<> each_revision(driver::StorageDriver& driver, const model::RepositoryName& name, const EachLink& each);
// Manifests under other digests than sha256.
Result<> each_alias(driver::StorageDriver& driver, const model::RepositoryName& name, const EachLink& each);
Result<> each_signature(driver::StorageDriver& driver, const model::RepositoryName& name,
                        const model::CanonicalDigest& manifest, const EachLink& each);
// Blobs that were pushed under other digests: what has the digest is a file, not a directory.
Result<> each_blob_alias(driver::StorageDriver& driver, const EachLink& each);

using EachReferrer =
    std::function<Result<>(const model::Digest& subject, const model::Digest& referrer, const std::string& directory)>;
Result<> each_referrer(driver::StorageDriver& driver, const model::RepositoryName& name, const EachReferrer& each);

using EachTag = std::function<Result<>(const model::Tag& tag)>;
Result<> each_tag(driver::StorageDriver& driver, const model::RepositoryName& name, const EachTag& each);

// The uploads of the repository in a directory; also such as no client can name.
using EachPath = std::function<Result<>(const std::string& path)>;
Result<> each_upload(driver::StorageDriver& driver, const std::string& repository, const EachPath& each);

// Blobs in their place; those in quarantine are not.
using EachBlob = std::function<Result<>(const model::CanonicalDigest& digest)>;
Result<> each_blob(driver::StorageDriver& driver, const EachBlob& each);
Result<> each_blob_of(driver::StorageDriver& driver, const std::string& shard,
                      const EachBlob& each); // of paths::shards()

// Of the v1 API: the ids that have any file; the layers that came for one, each a record; the repositories and
// manifests that it is in; and the manifests of a repository that were made of a pushed image, each with the file that
// names it.
using EachImage = std::function<Result<>(const model::ImageId& id)>;
Result<> each_v1_image(driver::StorageDriver& driver, const EachImage& each);
Result<> each_v1_upload(driver::StorageDriver& driver, const model::ImageId& id, const EachPath& each);
using EachMembership = std::function<Result<>(const model::RepositoryName& name, const std::string& file)>;
Result<> each_v1_membership(driver::StorageDriver& driver, const model::ImageId& id, const EachMembership& each);
using EachPushed = std::function<Result<>(const model::CanonicalDigest& manifest, const std::string& file)>;
Result<> each_v1_pushed(driver::StorageDriver& driver, const model::RepositoryName& name, const EachPushed& each);

} // namespace berth::storage
