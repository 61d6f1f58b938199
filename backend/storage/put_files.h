// in_order: a few files for StorageDriver::put, which are moved and so cannot stand in a list of their own.
#pragma once

#include <utility>
#include <vector>

#include "driver/storage_driver.h"

namespace berth::storage {

template <class... Files>
std::vector<driver::PutFile> in_order(Files&&... files) {
  std::vector<driver::PutFile> all;
  all.reserve(sizeof...(files));
  (all.push_back(std::forward<Files>(files)), ...);
  return all;
}

} // namespace berth::storage
