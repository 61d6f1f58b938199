#include "storage/listing_cache.h"

namespace berth::storage {
namespace {

std::size_t bytes_of(const ListingCache::Names& names) {
  static const std::size_t inside = std::string().capacity(); // so many bytes a string has without an allocation
  std::size_t bytes = names.capacity() * sizeof(std::string);
  for (const std::string& name : names)
    if (name.capacity() > inside) bytes += name.capacity() + 1;
  return bytes;
}

} // namespace

Result<std::shared_ptr<const ListingCache::Listing>> ListingCache::list(const std::string& path) {
  // The version comes before the names: a change in between makes it another one, and the names are read again.
  BERTH_TRY(const driver::FileInfo info, driver_.stat(path));
  const Time now = now_();
  Entry entry{info.version.value_or(driver::Version()), now, nullptr};
  if (info.version) {
    auto found = small_.find(path);
    if (!found) found = large_.find(path);
    if (found && found->version == info.version) entry = *std::move(found);
  }
  if (entry.listing) return entry.listing;

  BERTH_TRY(Names read, driver::directories_in(driver_, path));
  read.shrink_to_fit();
  auto listing = std::make_shared<const Listing>(std::move(read), info.version);
  if (!info.version) return listing;
  if (now - entry.since >= settle_time) entry.listing = listing;
  const std::size_t bytes = entry.listing ? bytes_of(listing->names) : 0;
  const bool is_large = listing->names.size() >= large_names;
  (is_large ? small_ : large_).erase(path);
  (is_large ? large_ : small_).put(path, std::move(entry), bytes);
  return listing;
}

CacheFacts ListingCache::memory() {
  const CacheFacts small = small_.facts(), large = large_.facts();
  return {small.entries + large.entries, small.bytes + large.bytes, small.hits + large.hits, large.misses};
}

} // namespace berth::storage
