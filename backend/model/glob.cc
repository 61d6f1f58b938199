#include "model/glob.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace berth::model {

bool matches_glob(std::string_view glob, std::string_view text) {
  // What stands before the first star, and after the last, has to be there: most texts end here.
  const std::size_t plain = std::min(glob.find('*'), glob.size());
  if (!text.starts_with(glob.substr(0, plain))) return false;
  text.remove_prefix(plain);
  glob.remove_prefix(plain);
  if (glob.empty()) return text.empty();
  if (!text.ends_with(glob.substr(glob.rfind('*') + 1))) return false;
  if (glob == "*") return !text.contains('/');
  if (glob == "**") return true;

  std::vector<bool> taken(text.size() + 1); // [i]: the glob so far can stand for the first i characters
  taken[0] = true;
  while (!glob.empty()) {
    if (glob.front() == '*') {
      const bool any = glob.starts_with("**");
      glob.remove_prefix(any ? 2 : 1);
      for (std::size_t i = 0; i < text.size(); ++i)
        if (taken[i] && (any || text[i] != '/')) taken[i + 1] = true;
    } else {
      for (std::size_t i = text.size(); i > 0; --i) taken[i] = taken[i - 1] && text[i - 1] == glob.front();
      taken[0] = false;
      glob.remove_prefix(1);
    }
  }
  return taken[text.size()];
}

} // namespace berth::model
