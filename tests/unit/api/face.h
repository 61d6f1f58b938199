// Face: the API over the real storage on any store.
#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "api/api.h"
#include "base/encoding.h"
#include "model/digest.h"
#include "storage/registry.h"
#include "unit/any_store.h"

namespace berth::test {

inline constexpr std::string_view secret = "topsecret";

class FixedClock final : public Clock {
public:
  Time now() const override { return parse_rfc3339("2024-01-02T03:04:05Z").value(); }
};

class Lines final : public Logger {
public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view message, std::initializer_list<LogField> fields) override {
    std::string line(message);
    for (const auto& [name, value] : fields) line.append(" ").append(name).append("=").append(value);
    lines.push_back(std::move(line));
  }
  std::vector<std::string> lines;
};

inline std::string digest_of(std::string_view bytes) { return model::CanonicalDigest::of_bytes(bytes).str(); }

struct Reply {
  http::Response response;
  int status() const { return response.status; }
  std::string header(std::string_view name) const { return std::string(response.headers.get(name)); }
  // The bytes, or the path of the store file after "file:".
  std::string body() const {
    if (const auto* file = std::get_if<http::StoreFile>(&response.body)) return "file:" + file->path;
    return std::get<std::string>(response.body);
  }
  // The code of the first error; empty if the body is no error envelope.
  std::string code() const {
    constexpr std::string_view start = R"({"errors":[{"code":")";
    const std::string text = body();
    if (!text.starts_with(start)) return {};
    return text.substr(start.size(), text.find('"', start.size()) - start.size());
  }
  bool mentions(std::string_view text) const { return body().find(text) != std::string::npos; }
};

using Fields = std::vector<std::pair<std::string, std::string>>;

// Sends to a handler as nginx and the pool would: https://registry.example.
inline Reply send(http::Handler& handler, std::string_view line, const Fields& headers = {}, std::string body = {}) {
  http::Request request;
  const std::size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1);
  request.scheme = "https";
  request.headers.add("Host", "registry.example");
  for (const auto& [name, value] : headers) request.headers.set(name, value);
  request.content_length = body.size();
  request.body = Content::of(std::move(body));
  return {handler.handle(request)};
}

inline api::Options default_options() {
  api::Options options;
  options.secret = secret;
  options.delete_enabled = true;
  return options;
}

struct Face {
  explicit Face(api::Options options = default_options()) : api(registry, std::move(options), clock, log) {}

  Reply send(std::string_view line, const Fields& headers = {}, std::string body = {}) {
    return test::send(api, line, headers, std::move(body));
  }

  // Pushes a blob and returns its digest.
  std::string push_blob(const std::string& name, const std::string& bytes) {
    const Reply reply = send("POST /v2/" + name + "/blobs/uploads/?digest=" + digest_of(bytes), {}, bytes);
    REQUIRE(reply.status() == 201);
    return digest_of(bytes);
  }
  // The target of a new upload's next step.
  std::string start_upload(const std::string& name) { return next(send("POST /v2/" + name + "/blobs/uploads/")); }
  // Path and query of a reply's Location.
  static std::string next(const Reply& reply) {
    const std::string location = reply.header("Location");
    REQUIRE(location.starts_with("https://registry.example/"));
    return location.substr(std::string_view("https://registry.example").size());
  }
  std::string put_manifest(const std::string& name, const std::string& reference, const std::string& type,
                           const std::string& bytes) {
    const Reply reply = send("PUT /v2/" + name + "/manifests/" + reference, {{"Content-Type", type}}, bytes);
    CAPTURE(reply.body());
    REQUIRE(reply.status() == 201);
    return digest_of(bytes);
  }

  FixedClock clock;
  SystemRandom random;
  Lines log;
  AnyStore store{clock, random};
  driver::StorageDriver& driver = store.driver();
  driver::MemoryLocks locks;
  storage::UploadStore& uploads = store.uploads();
  storage::Registry registry{{driver, locks, uploads, nullptr, storage::ManifestRules::make({}).value(), random, log}};
  api::Api api;
};

} // namespace berth::test
