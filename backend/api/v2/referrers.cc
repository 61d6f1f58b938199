// GET /v2/<name>/referrers/<digest>: the manifests that name <digest> as their subject, as an image index, a page at a
// time. Never 404: what nothing refers to, or is not there, has an empty list.
// Spec: OCI distribution-spec "Listing Referrers".
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/v2/endpoints.h"
#include "model/media_types.h"

namespace berth::api::v2 {
namespace {

constexpr std::size_t max_page = 1000;

nlohmann::ordered_json descriptor_of(const registry::ListedReferrer& referrer) {
  nlohmann::ordered_json descriptor{{"mediaType", model::media_type_of(referrer.what.kind)},
                                    {"digest", referrer.digest.str()},
                                    {"size", referrer.what.size}};
  if (!referrer.what.artifact_type.empty()) descriptor["artifactType"] = referrer.what.artifact_type;
  if (!referrer.what.annotations.empty())
    descriptor["annotations"] = nlohmann::json::parse(referrer.what.annotations, nullptr, false);
  return descriptor;
}

// A media type has no spaces: one is a plus sign that its client did not escape.
std::string filter_of(const Call& call) {
  std::string type(call.query.get("artifactType"));
  std::ranges::replace(type, ' ', '+');
  return type;
}

std::string link_to(const std::string& url, const registry::ReferrersRequest& request, const std::string& last) {
  std::string link = "<" + url + "?";
  if (!request.artifact_type.empty()) link += "artifactType=" + http::encode_query(request.artifact_type) + "&";
  return link + "last=" + http::encode_query(last) + "&n=" + std::to_string(request.limit) + ">; rel=\"next\"";
}

} // namespace

Outcome list_referrers(Call& call) {
  BERTH_TRY(const auto subject, model::Digest::parse(call.path.get("digest")));
  BERTH_TRY(const auto asked, parse_page_size(call.query));
  const registry::ReferrersRequest request{subject, filter_of(call), std::string(call.query.get("last")),
                                           std::min(asked.value_or(max_page), max_page)};
  registry::ReferrersPage page;
  if (request.limit > 0) {
    BERTH_TRY(page, call.repository->referrers().list(request));
  }

  nlohmann::ordered_json index{
      {"schemaVersion", 2}, {"mediaType", model::media::oci_index}, {"manifests", nlohmann::ordered_json::array()}};
  for (const registry::ListedReferrer& referrer : page.entries) index["manifests"].push_back(descriptor_of(referrer));
  http::Response response;
  response.headers.add("Content-Type", std::string(model::media::oci_index));
  if (!request.artifact_type.empty()) response.headers.add("OCI-Filters-Applied", "artifactType");
  if (page.more) {
    const std::string url = call.locations.relative(path_in(*call.repository, "referrers/" + subject.str()));
    response.headers.add("Link", link_to(url, request, page.last));
  }
  response.body = index.dump() + "\n";
  return response;
}

} // namespace berth::api::v2
