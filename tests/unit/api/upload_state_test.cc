#include <catch2/catch.hpp>

#include "api/upload_state.h"

using namespace berth;
using namespace berth::api;

namespace {

// docker/distribution's token for this state and the secret "topsecret".
const std::string vector_token = "EUtw2jSf0VqtOhPJKYjX4GfihtW1B-8eA0_"
                                 "G4kkF2v17Ik5hbWUiOiJ0ZWFtL2FwcCIsIlVVSUQiOiI3ZDJmMGMxZS0zYjU0LTRlMGUtOWE1Ni0wZjFl"
                                 "MmQzYzRiNWEiLCJPZmZzZXQiOjEwNDg1NzYsIlN0YXJ0ZWRBdCI6IjIwMjQtMDEtMDJUMDM6MDQ6MDVaIn0=";
const UploadState vector_state{"team/app", "7d2f0c1e-3b54-4e0e-9a56-0f1e2d3c4b5a", 1048576,
                               parse_rfc3339("2024-01-02T03:04:05Z").value()};

Code code_of(const Result<UploadState>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

} // namespace

TEST_CASE("a token is docker/distribution's, byte for byte") {
  CHECK(UploadStateSigner("topsecret").sign(vector_state) == vector_token);
}

TEST_CASE("a signed state comes back") {
  const UploadStateSigner signer("topsecret");
  const auto state = signer.verify(vector_token);
  REQUIRE(state);
  CHECK(state->name == vector_state.name);
  CHECK(state->id == vector_state.id);
  CHECK(state->offset == vector_state.offset);
  CHECK(state->started_at == vector_state.started_at);

  UploadState fractions = vector_state;
  fractions.started_at += std::chrono::nanoseconds(123456780);
  CHECK(signer.verify(signer.sign(fractions)).value().started_at == fractions.started_at);
}

TEST_CASE("what the store keeps in a token comes back; a token without it is as it was") {
  const UploadStateSigner signer("topsecret");
  UploadState state = vector_state;
  CHECK(signer.verify(signer.sign(state))->of_store.empty());
  state.of_store = "1.1704164645..";
  CHECK(signer.sign(state) != vector_token);
  CHECK(signer.verify(signer.sign(state))->of_store == state.of_store);
  CHECK(signer.verify(signer.sign(state))->offset == state.offset);
}

TEST_CASE("no other token is taken") {
  const UploadStateSigner signer("topsecret");
  for (std::size_t i = 0; i + 2 < vector_token.size();
       ++i) { // the last character before the padding carries bits to spare
    std::string changed = vector_token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CAPTURE(i);
    CHECK(code_of(signer.verify(changed)) == Code::blob_upload_invalid);
  }
  for (std::size_t length = 0; length < vector_token.size(); ++length)
    CHECK_FALSE(signer.verify(vector_token.substr(0, length)));
  CHECK(code_of(UploadStateSigner("topsecreT").verify(vector_token)) == Code::blob_upload_invalid);
  CHECK(code_of(signer.verify("not base64!")) == Code::blob_upload_invalid);
  CHECK(code_of(signer.verify(std::string(4000, 'A'))) == Code::blob_upload_invalid);
}
