// Files of users and hashes, and quoted texts of challenges. Input: such a file.
#include "auth/htpasswd.h"
#include "auth/challenge.h"
#include "fuzz/oracle.h"

using namespace berth;
using namespace berth::fuzz;

namespace {

const Grammar hash_grammar(R"(\$2[A-Za-z]\$(?:0[4-9]|[12][0-9]|3[01])\$[A-Za-z0-9./]{53}(?s:.*))");
const Grammar
    quoted_grammar(R"("(?:[^"\\\x00-\x1f\x7f]|\\["\\abfnrtv]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*")");

// The file must hold the user's last line as it is written, whatever else it has.
void check_last_line(std::string_view file, std::string_view hash) {
  if (hash.find('\n') != std::string_view::npos) return;
  std::string text(file);
  text.append("\nsomebody:").append(hash).append("\n");
  const auto users = auth::Htpasswd::parse(text);
  const auto without = auth::Htpasswd::parse(file);
  require(users.has_value() == without.has_value());
  if (!users) return require(is(users.error(), Code::invalid) && users.error().message.size() < 80);
  require(users->find("") == nullptr && users->find("somebody") != nullptr);
  const std::string& kept = users->find("somebody")->hash;
  require(kept.empty() != hash_grammar.matches(hash));
  require(kept.empty() || (kept.size() == 60 && kept.starts_with("$2b$") && hash.substr(4, 56) == kept.substr(4)));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text = text_of(bytes, size);
  const std::string_view first = text.substr(0, text.find('\n'));
  const std::size_t colon = first.find(':');
  check_last_line(text, colon == std::string_view::npos ? first : first.substr(colon + 1));
  require(quoted_grammar.matches(auth::go_quote(text)));
  return 0;
}
