// `berth restore`: what a collection has parked, or a policy has untagged, comes back until it is freed.
#pragma once

#include <string>
#include <vector>

namespace berth::app {

struct Restoring {
  bool list = false; // says what can be restored, and until when; restores nothing
  std::string tag;   // what a manifest gets when it is restored; empty: none
  bool json = false; // of the list
};
// words: CONFIG, then one NAME, NAME:TAG or NAME@DIGEST. A digest: that manifest, with its children, config and layers.
// A tag: the manifest that it last named when a policy removed it, and the tag. A name alone: every parked manifest of
// the repository. Everything that a manifest names is brought back before the manifest, so that one which is back is
// whole. What a person deleted is not parked, and is not restored; a registry that is read-only is left alone. The exit
// code: 1 if something is gone, or cannot be read.
int restore(const std::vector<std::string>& words, const Restoring& restoring);

} // namespace berth::app
