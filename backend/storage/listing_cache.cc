#include "storage/listing_cache.h"

namespace berth::storage {
namespace {

// About what a map's and a list's node cost.
constexpr std::size_t node_bytes = 256;

std::size_t bytes_of(const ListingCache::Names& names) {
  static const std::size_t inside = std::string().capacity(); // so many bytes a string has without an allocation
  std::size_t bytes = names.capacity() * sizeof(std::string);
  for (const std::string& name : names)
    if (name.capacity() > inside) bytes += name.capacity() + 1;
  return bytes;
}

} // namespace

void ListingCache::Room::forget(const std::string& path) {
  if (const Entry* entry = entries.find(path)) bytes -= entry->bytes;
  entries.erase(path);
}

void ListingCache::Room::keep(const std::string& path, Entry entry) {
  forget(path);
  if (entry.bytes > max_bytes) return;
  bytes += entry.bytes;
  entries.put(path, std::move(entry));
  while (bytes > max_bytes) bytes -= entries.take_oldest()->bytes;
}

Result<std::shared_ptr<const ListingCache::Listing>> ListingCache::list(const std::string& path) {
  // The version comes before the names: a change in between makes it another one, and the names are read again.
  BERTH_TRY(const driver::FileInfo info, driver_.stat(path));
  const Time now = now_();
  Entry entry{info.version.value_or(driver::Version()), now, nullptr, 0};
  if (info.version)
    kept_.with([&](Kept& kept) {
      const Entry* found = kept.small.entries.find(path);
      if (found == nullptr) found = kept.large.entries.find(path);
      if (found != nullptr && found->version == info.version) entry = *found;
    });
  if (entry.listing) return entry.listing;

  BERTH_TRY(Names read, driver::directories_in(driver_, path));
  read.shrink_to_fit();
  auto listing = std::make_shared<const Listing>(std::move(read), info.version);
  if (!info.version) return listing;
  if (now - entry.since >= settle_time) entry.listing = listing;
  entry.bytes = node_bytes + 2 * path.size() + (entry.listing ? bytes_of(listing->names) : 0);
  kept_.with([&](Kept& kept) {
    const bool large = listing->names.size() >= large_names;
    (large ? kept.small : kept.large).forget(path);
    (large ? kept.large : kept.small).keep(path, std::move(entry));
  });
  return listing;
}

} // namespace berth::storage
