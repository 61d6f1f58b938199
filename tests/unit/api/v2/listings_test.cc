// GET /v2/_catalog and tags/list.
#include <catch2/catch.hpp>

#include "unit/api/table.h"

using namespace berth;
using namespace berth::test;

namespace {

const std::string index_type = "application/vnd.oci.image.index.v1+json";
const std::string empty_index = R"({"schemaVersion": 2, "manifests": []})";

} // namespace

TEST_CASE("tags are listed whole or in pages") {
  api::Options options = default_options();
  options.tags_max = 3;
  Face face(options);
  for (const std::string tag : {"b", "a", "d", "c"}) face.put_manifest("team/app", tag, index_type, empty_index);
  const std::string all = "{\"name\":\"team/app\",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}\n";
  const std::string none = "{\"name\":\"team/app\",\"tags\":[]}\n";
  const std::string after_b = "{\"name\":\"team/app\",\"tags\":[\"c\",\"d\"]}\n";
  const auto link = [](const std::string& last, int n) {
    return Fields{{"Link", "</v2/team/app/tags/list?last=" + last + "&n=" + std::to_string(n) + ">; rel=\"next\""}};
  };
  const Fields no_link{{"Link", "-"}};
  run(face, {
                {"GET /v2/team/app/tags/list", 200, "", no_link, {}, all},
                {"GET /v2/team/app/tags/list?n=", 200, "", no_link, {}, all},
                {"GET /v2/team/app/tags/list?n=0", 200, "", no_link, {}, none},
                {"GET /v2/team/app/tags/list?n=2",
                 200,
                 "",
                 link("b", 2),
                 {},
                 "{\"name\":\"team/app\",\"tags\":[\"a\",\"b\"]}\n"},
                {"GET /v2/team/app/tags/list?x=y&n=1&last=b",
                 200,
                 "",
                 link("c", 1),
                 {},
                 "{\"name\":\"team/app\",\"tags\":[\"c\"]}\n"},
                {"GET /v2/team/app/tags/list?n=2&last=b", 200, "", no_link, {}, after_b},
                {"GET /v2/team/app/tags/list?last=bb", 200, "", no_link, {}, after_b},
                {"GET /v2/team/app/tags/list?n=1000", 200, "", link("c", 3)},
                {"GET /v2/team/app/tags/list?last=z", 200, "", no_link, {}, none},
                {"GET /v2/team/app/tags/list?n=-1", 400, "PAGINATION_NUMBER_INVALID"},
                {"GET /v2/team/app/tags/list?n=x", 400, "PAGINATION_NUMBER_INVALID"},
                {"GET /v2/team/app/tags/list?n=1%20", 400, "PAGINATION_NUMBER_INVALID"},
                {"GET /v2/team/app/tags/list?n=%zz", 400, "PAGINATION_NUMBER_INVALID"},
                {"GET /v2/team/app/tags/list?n=99999999999999999999", 400, "PAGINATION_NUMBER_INVALID"},
                {"GET /v2/team/tags/list", 404, "NAME_UNKNOWN"},
                {"GET /v2/team/tags/list?n=0", 404, "NAME_UNKNOWN"},
            });
  CHECK(face.send("GET /v2/team/tags/list").mentions(R"("detail":{"name":"team"})"));
}

TEST_CASE("repositories are listed in pages") {
  api::Options options = default_options();
  options.catalog_max_entries = 3;
  Face face(options);
  const Fields no_link{{"Link", "-"}};
  run(face, {{"GET /v2/_catalog", 200, "", no_link, {}, "{\"repositories\":[]}\n"}});
  for (const std::string name : {"b", "a/b", "a", "c"}) face.put_manifest(name, "x", index_type, empty_index);
  const auto link = [](const std::string& last, int n) {
    return Fields{{"Link", "</v2/_catalog?last=" + last + "&n=" + std::to_string(n) + ">; rel=\"next\""}};
  };
  run(face, {
                {"GET /v2/_catalog", 200, "", link("b", 3), {}, "{\"repositories\":[\"a\",\"a/b\",\"b\"]}\n"},
                {"GET /v2/_catalog?n=2&x=y", 200, "", link("a%2Fb", 2), {}, "{\"repositories\":[\"a\",\"a/b\"]}\n"},
                {"GET /v2/_catalog?n=2&last=a%2Fb", 200, "", no_link, {}, "{\"repositories\":[\"b\",\"c\"]}\n"},
                {"GET /v2/_catalog?n=0", 200, "", no_link, {}, "{\"repositories\":[]}\n"},
                {"GET /v2/_catalog?n=4", 400, "PAGINATION_NUMBER_INVALID"},
                {"GET /v2/_catalog?n=x", 400, "PAGINATION_NUMBER_INVALID"},
                {"GET /v2/_catalog?n=-1", 400, "PAGINATION_NUMBER_INVALID"},
            });
}

TEST_CASE("without n, a page of the catalog has a hundred") {
  Face face;
  for (int i = 100; i < 201; ++i) face.put_manifest("r" + std::to_string(i), "x", index_type, empty_index);
  const Reply reply = face.send("GET /v2/_catalog");
  CHECK(reply.header("Link") == "</v2/_catalog?last=r199&n=100>; rel=\"next\"");
  CHECK_FALSE(reply.mentions("r200"));
}
