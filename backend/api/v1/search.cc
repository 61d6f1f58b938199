// GET /v1/search: what `docker search <host>/<term>` of every version asks, and podman too.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "api/v1/endpoints.h"
#include "http/headers.h"

namespace berth::api::v1 {
namespace {

constexpr std::size_t default_page = 25; // results
constexpr std::size_t max_page = 100;
constexpr std::size_t max_scanned = 100'000; // repositories that are looked at

// A parameter that is a number in [1, most]; anything else counts as not sent.
std::size_t number(const Call& call, std::string_view name, std::size_t otherwise, std::size_t most) {
  const std::string_view text = call.query.get(name);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) return otherwise;
  return std::min(value, most);
}

Result<bool> is_shown(const registry::MayRead& may_read, const std::string& name) {
  if (may_read == nullptr) return true;
  BERTH_TRY(const auto repository, model::RepositoryName::parse(name));
  return may_read(repository);
}

// The names with the term in them that the caller may read.
Result<std::vector<std::string>> names_with(registry::Registry& registry, const registry::MayRead& may_read,
                                            const std::string& term) {
  std::vector<std::string> found;
  registry::PageRequest request{{}, 1000};
  for (std::size_t scanned = 0; scanned < max_scanned;) {
    BERTH_TRY(registry::Page page, registry.repositories(request));
    scanned += page.entries.size();
    for (const std::string& name : page.entries) {
      if (name.find(term) == std::string::npos) continue;
      BERTH_TRY(const bool shown, is_shown(may_read, name));
      if (shown) found.push_back(name);
    }
    if (!page.more || page.entries.empty()) break;
    request.last = std::move(page.entries.back());
  }
  return found;
}

} // namespace

Outcome search(Call& call) {
  std::string term = http::to_lower(http::trim(call.query.get("q")));
  constexpr std::string_view library = "library/";
  if (term.starts_with(library)) term.erase(0, library.size());
  const std::size_t size = number(call, "n", default_page, max_page), page = number(call, "page", 1, max_scanned);
  BERTH_TRY(const auto names, names_with(call.services.registry, call.may_read, term));

  auto results = nlohmann::ordered_json::array();
  for (std::size_t i = (page - 1) * size; i < names.size() && i < page * size; ++i)
    results.push_back({{"name", names[i]},
                       {"description", ""},
                       {"star_count", 0},
                       {"is_official", false},
                       {"is_trusted", false},
                       {"is_automated", false}});
  const nlohmann::ordered_json document{
      {"query", call.query.get("q")},
      {"num_results", names.size()},
      {"num_pages", (names.size() + size - 1) / size},
      {"page_size", size},
      {"page", page},
      {"results", std::move(results)},
  };
  return json_reply(document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

} // namespace berth::api::v1
