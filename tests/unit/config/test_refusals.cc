#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "loading.h"

namespace berth::config {
namespace {

struct Row {
  std::string text; // its first line is line 4
  std::string message;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::string message = refusal_of(row.text);
    CHECK_THAT(message, Catch::StartsWith(row.message));
    CHECK(message.find('\n') == std::string::npos);
  }
}

std::string refusal_of_whole(const std::string& text) {
  auto loaded = parse(text, "c.yml", {});
  return loaded ? "loaded" : loaded.error().message;
}

TEST_CASE("the version must be 0.1") {
  CHECK(refusal_of_whole("").contains("a config is a map"));
  CHECK(refusal_of_whole("[a]").contains("c.yml:1: a config is a map"));
  CHECK(refusal_of_whole("storage: filesystem\n").contains("version: (nothing): allowed is 0.1, which must be given"));
  CHECK(refusal_of_whole("version: 0.2\n") == "c.yml:1: version: \"0.2\": allowed is 0.1");
  CHECK(refusal_of_whole("version: [0.1]\n") == "c.yml:1: version: (a list): allowed is 0.1");
  CHECK(refusal_of_whole("version: '0.1'\nstorage: filesystem\n") == "loaded");
}

TEST_CASE("exactly one storage driver, which berth has") {
  const std::string head_alone = "version: 0.1\n";
  CHECK(refusal_of_whole(head_alone).contains("storage: (nothing): allowed is one driver: filesystem or s3"));
  CHECK(refusal_of_whole(head_alone + "storage:\n") ==
        "c.yml:2: storage: (nothing): allowed is one driver: filesystem or s3");
  CHECK(refusal_of_whole(head_alone + "storage: [a]\n").starts_with("c.yml:2: storage: (a list)"));
  CHECK(refusal_of_whole(head_alone + "storage: {cache: {blobdescriptor: inmemory}}\n").contains("one driver"));
  CHECK(refusal_of_whole(head_alone + "storage: inmemory\n") ==
        "c.yml:2: storage.inmemory: berth does not have this driver: allowed is filesystem or s3; it would "
        "forget everything at its end");
  for (const char* driver : {"s3-aws", "azure", "gcs", "swift", "oss", "rados"})
    CHECK(refusal_of_whole(head_alone + "storage:\n  " + driver + ": {bucket: b}\n")
              .contains("does not have this driver"));
  CHECK(refusal_of_whole(head_alone + "storage: {filesytem: {}}\n").contains("storage.filesytem: no such driver"));
  CHECK(refusal_of("  s3: {bucket: b}\n") ==
        "config.yml:4: storage.s3: a second driver beside storage.filesystem: allowed is one");
  CHECK(refusal_of("  filesytem: {rootdirectory: /x}\n") == "loaded"); // with a warning
  CHECK(refusal_of_whole(head_alone + "storage: {filesystem: }\n") == "loaded");
  CHECK(refusal_of_whole(head_alone + "storage: {filesystem: 5}\n")
            .contains("storage.filesystem: \"5\": allowed is a map of"));
}

TEST_CASE("values that break their rules are refused with file, line, key, value and what is allowed") {
  check_rows({
      {"log: {level: loud}", "config.yml:4: log.level: \"loud\": allowed is error, warn, info or debug"},
      {"log: {level: [info]}", "config.yml:4: log.level: (a list): allowed is error"},
      {"log: info", "config.yml:4: log: \"info\": allowed is a map of level, "},
      {"loglevel: x", "config.yml:4: loglevel: \"x\": allowed is error"},
      {"http:\n  addr: '5000'", "config.yml:5: http.addr: \"5000\": allowed is [host]:port"},
      {"http: {addr: {a: b}}", "config.yml:4: http.addr: (a map): allowed is [host]:port"},
      {"http: {net: unix}", "config.yml:4: http.net: \"unix\": allowed is tcp"},
      {"http: {secret: [a, b]}", "config.yml:4: http.secret: (secret): allowed is text"},
      {"http: {relativeurls: maybe}", "config.yml:4: http.relativeurls: \"maybe\": allowed is true or false"},
      {"catalog: {maxentries: many}", "config.yml:4: catalog.maxentries: \"many\": allowed is a whole number"},
      {"berth: {nginx: {reloaddrain: 61s}}",
       "config.yml:4: berth.nginx.reloaddrain: \"61s\": allowed is a time of at most 60s"},
      {"berth: {threads: 1025}", "config.yml:4: berth.threads: \"1025\": allowed is a whole number from 1 to 1024"},
      {"berth: {threads: 99999999999999999999}", "config.yml:4: berth.threads: "},
      {"berth: {threads: 3x}", "config.yml:4: berth.threads: \"3x\": allowed is"},
      {"berth: {user: 'a b'}", "config.yml:4: berth.user: \"a b\": allowed is the name of a user"},
      {"berth: {user: -x}", "config.yml:4: berth.user: \"-x\": allowed is"},
      {"berth: {nginx: nginx}", "config.yml:4: berth.nginx: \"nginx\": allowed is a map of binary, directory"},
  });
}

TEST_CASE("long and odd values are shown short and plain") {
  const std::string message = refusal_of("log: {level: \"" + std::string(500, 'x') + "\\n\"}");
  CHECK(message.size() < 250);
  CHECK(refusal_of("log: {level: \"a\\nb\\tc\"}").contains("\"a?b?c\""));
}

TEST_CASE("paths that nginx's configuration cannot hold") {
  for (const char* path : {"/a$b", "/a'b", "/a\\\"b", "/a\\\\b", "/a\\nb", "/a\\0b"}) {
    const std::string quoted = std::string("\"") + path + "\"";
    CAPTURE(path);
    CHECK(refusal_of("berth: {spool: " + quoted + "}").contains("allowed is a path without quotes"));
    CHECK(refusal_of("berth: {rundirectory: " + quoted + "}").contains("allowed is a path without"));
    CHECK(refusal_of("berth: {nginx: {directory: " + quoted + "}}").contains("allowed is a path without"));
  }
  CHECK(refusal_of("berth: {rundirectory: '/a[b]'}")
            .contains("berth.rundirectory: \"/a[b]\": allowed is a path without ["));
  CHECK(refusal_of_whole("version: 0.1\nstorage: {filesystem: {rootdirectory: '/a[b]'}}\n")
            .contains("berth.rundirectory: "));
  CHECK(config_of("berth: {spool: '/a b;{c}#d*?[e]'}").berth.spool == "/a b;{c}#d*?[e]");
  CHECK(refusal_of("berth: {spool: /" + std::string(5000, 'a') + "}").contains("allowed is a path"));
  CHECK(refusal_of("berth: {spool: {}}").contains("allowed is a path"));
}

TEST_CASE("the store itself is no spool and no run directory") {
  for (const char* directory :
       {"/srv/registry", "/srv/registry/", "/srv/registry/docker", "/srv/registry/docker/registry/v2"}) {
    CAPTURE(directory);
    CHECK(refusal_of(std::string("berth: {spool: ") + directory + "}").contains("berth.spool: "));
    CHECK(refusal_of(std::string("berth: {rundirectory: ") + directory + "}").contains("not the store itself"));
    CHECK(refusal_of(std::string("berth: {statedirectory: ") + directory + "}").contains("berth.statedirectory: "));
  }
  CHECK(refusal_of("berth: {spool: /srv/registry/dockers}") == "loaded");
  CHECK(refusal_of("berth: {spool: /x, rundirectory: /x}").contains("two different directories"));
}

TEST_CASE("http.prefix and http.host that docker/distribution does not start with either, or nginx cannot hold") {
  for (const char* prefix : {"/{/", "/{x}", "/a\\nb/", "/_berth", "/_berth/x/"}) {
    CAPTURE(prefix);
    CHECK(refusal_of(std::string("http: {prefix: \"") + prefix + "\"}").contains("http.prefix: "));
  }
  for (const char* host : {"https://a b", "https://a:port", "https://a/\\n", "10.0.0.1:5000", "[::1]:5000", "a b"}) {
    CAPTURE(host);
    CHECK(refusal_of(std::string("http: {host: \"") + host + "\"}").contains("http.host: "));
  }
}

TEST_CASE("headers that would break a reply") {
  check_rows({
      {"http: {headers: [a]}", "config.yml:4: http.headers: (a list): allowed is a map of header names"},
      {"http: {headers: {X: {a: b}}}", "config.yml:4: http.headers: (a map): allowed is a map of header names"},
      {"http: {headers: {X: [[a]]}}", "config.yml:4: http.headers: (a map): allowed is a map of header names"},
      {"http: {headers: {X: [\"a\\0b\"]}}", "config.yml:4: http.headers: (a map): allowed is header values"},
  });
  CHECK(refusal_of("http: {headers: {X: ['\"quoted\" \\ and $dollar;']}}") == "loaded");
}

TEST_CASE("validation patterns must compile") {
  check_rows({
      {"validation: {manifests: {urls: {allow: ['(']}}}", "config.yml:4: validation.manifests.urls.allow: (a list): "
                                                          "allowed is a list of regular expressions; \"(\" is none: "},
      {"validation: {manifests: {urls: {deny: ['(?=x)']}}}", "config.yml:4: validation.manifests.urls.deny: "},
      {"validation: {manifests: {urls: {deny: {a: b}}}}", "config.yml:4: validation.manifests.urls.deny: (a map)"},
      {"validation: {manifests: {indexes: {platforms: some}}}",
       "config.yml:4: validation.manifests.indexes.platforms: \"some\": allowed is all, none or list"},
      {"validation: {manifests: {indexes: {platformlist: [{os: linux}]}}}",
       "config.yml:4: validation.manifests.indexes.platformlist: (a list): allowed is a list of maps"},
  });
}

TEST_CASE("a config that asks for less than an open, writable registry never loads") {
  check_rows({
      {"auth: {htpasswd: {realm: r}}", "config.yml:4: auth.htpasswd: (a map): allowed is a map with path"},
      {"auth: {htpasswd: {path: /p}}", "config.yml:4: auth.htpasswd: (a map): allowed is a map with realm"},
      {"auth: {htpasswd: {realm: r, path: ''}}", "config.yml:4: auth.htpasswd: (a map): allowed is a map with path"},
      {"auth: {htpasswd: {realm: r, pathh: /p}}", "config.yml:4: auth.htpasswd: (a map): allowed is a map with path"},
      {"auth: {htpasswd: /p}", "config.yml:4: auth.htpasswd: "},
      {"auth: {silly: {realm: r}}", "config.yml:4: auth.silly: (a map): allowed is a map with service"},
      {"auth: {token: }", "config.yml:4: auth.token: "},
      {"auth: {token: {realm: 'https://r/', service: s, issuer: i}}",
       "config.yml:4: auth.token: (a map): allowed is a map with rootcertbundle, or with jwks"},
      {"auth: token", "config.yml:4: auth"},
      {"auth: htpaswd", "config.yml:4: auth: "},
      {"auth: [none]", "config.yml:4: auth: (a list): allowed is a map of none, htpasswd, token, silly"},
      {"auth: {none: , token: {}}", "config.yml:4: auth: (a map): allowed is one of none, htpasswd, token and silly"},
      {"auth: {ldap: {}}", "config.yml:4: auth: "},
      {"proxy: {remoteurl: https://registry-1.docker.io}", "config.yml:4: proxy: "},
      {"Auth: {htpasswd: {realm: r, path: p}}", "config.yml:4: Auth: no such key: did you mean auth?"},
      {"auht: {htpasswd: {realm: r, path: p}}", "config.yml:4: auht: no such key: did you mean auth?"},
      {"authentication: {}", "config.yml:4: authentication: no such key: did you mean auth?"},
      {"proxy: yes", "config.yml:4: proxy: "},
      {"http: {addr: /run/x.sock, net: unix}", "config.yml:4: http.net: \"unix\": allowed is tcp"},
      {"  maintenance: {readonly: {enabled: perhaps}}", "config.yml:4: storage.maintenance.readonly.enabled: "},
      {"  maintenance: {readonly: true}", "config.yml:4: storage.maintenance.readonly: "},
      {"http: {tls: {clientcas: [/ca.pem]}}", "config.yml:4: http.tls.clientcas: "},
      {"middleware: {repository: [{name: x}]}", "config.yml:4: middleware.repository: "},
      {"http: {tls: {letsencrypt: {cachefile: /x, email: a@b}}}", "config.yml:4: http.tls.letsencrypt: "},
  });
  for (const char* harmless :
       {"auth:", "auth: none", "auth: {none: }", "auth: {}", "proxy:", "proxy: {}", "proxy: {remoteurl: ''}",
        "http: {tls: {clientcas: []}}", "middleware: {registry: [{name: x, disabled: true}]}",
        "http: {tls: {letsencrypt: {hosts: []}}}"}) {
    CAPTURE(harmless);
    CHECK(refusal_of(harmless) == "loaded");
  }
}

TEST_CASE("tls wants both files; whether they can be read is for those who start nginx to see") {
  CHECK(config_of("http: {tls: {certificate: /gone/x.pem, key: /gone/x.key}}").http.tls_key == "/gone/x.key");
  check_rows({
      {"http:\n  tls: {certificate: /gone/x.pem}",
       "config.yml:5: http.tls: (a map): allowed is certificate and key, or neither; key"},
      {"http: {tls: {key: /gone/x.key}}",
       "config.yml:4: http.tls: (a map): allowed is certificate and key, or neither; cert"},
  });
}

} // namespace
} // namespace berth::config
