#include "storage/collect/findings.h"

namespace berth::storage {
namespace {

// Tells a finding of one repository.
struct Bring {
  const model::RepositoryName& name;
  LiveSet& live;
  MarkListener& listener;
  std::vector<model::ImageId>& images;

  void operator()(const FoundLive& found) const { live.add(found.digest); }
  void operator()(const FoundManifest& found) const { listener.manifest(name, found.digest); }
  void operator()(const FoundBlob& found) const { listener.blob(name, found.digest); }
  void operator()(const FoundDead& found) const { listener.dead(name, found.link); }
  void operator()(const FoundRevived& found) const { listener.revived(name, found.link); }
  void operator()(const FoundUnreadable& found) const { listener.unreadable(name, found.digest, found.why); }
  void operator()(const FoundImage& found) const { images.push_back(found.id); }
};

} // namespace

// Requires: the mutex is held, and all parts before it have ended.
void Sequence::bring_now(Part& part) {
  if (!part.is_begun) listener_.repository(part.name);
  part.is_begun = true;
  for (const Finding& finding : part.findings) std::visit(Bring{part.name, live_, listener_, images_}, finding);
  part.findings.clear();
}

void Sequence::bring(Part& part) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  advanced_.wait(lock, [&] { return next_ == part.number; });
  --waiting_;
  bring_now(part);
}

void Sequence::end(Part part) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  advanced_.wait(lock, [&] { return next_ == part.number || ahead_.size() < max_ahead; });
  --waiting_;
  const std::uint64_t number = part.number;
  ahead_.emplace(number, std::move(part));
  if (number != next_) return;
  for (auto first = ahead_.begin(); first != ahead_.end() && first->first == next_; first = ahead_.erase(first)) {
    bring_now(first->second);
    ++next_;
  }
  if (waiting_ > 0) advanced_.notify_all();
}

} // namespace berth::storage
