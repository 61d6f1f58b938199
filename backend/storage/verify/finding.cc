#include "storage/verify/finding.h"

namespace berth::storage {

std::string_view name_of(FindingKind kind) {
  switch (kind) {
  case FindingKind::damaged: return "damaged";
  case FindingKind::unreadable: return "unreadable";
  case FindingKind::incomplete: return "incomplete";
  case FindingKind::dangling_tag: return "dangling tag";
  case FindingKind::bad_link: return "bad link";
  case FindingKind::dangling_link: return "dangling link";
  case FindingKind::bad_upload: return "bad upload";
  }
  return {};
}

} // namespace berth::storage
