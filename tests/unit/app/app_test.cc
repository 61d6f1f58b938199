// The pieces of `berth up` that need no other process; the whole is in tests/system/test_lifecycle.py.
#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "app/nginx/certificate.h"
#include "app/nginx/tree.h"
#include "app/pool/secret.h"
#include "app/pool/signing_key.h"
#include "app/supervisor/listen_socket.h"
#include "app/supervisor/process.h"
#include "storage/paths.h"
#include "unit/temp_dir.h"

using namespace berth;

namespace {

config::Config config_at(const std::string& addr) {
  config::Config config;
  config.http.addr = addr;
  config.storage.root = "/srv/data";
  config.berth.spool = "/srv/data/spool";
  config.berth.run_directory = "/srv/run";
  return config;
}

app::NginxSettings settings() { return {"/usr/sbin/nginx", "/usr/share/berth/nginx", false, "", "/srv/run/pool.sock"}; }

std::string fragment(const std::string& name, const config::Config& config, const app::NginxSettings& with) {
  return app::nginx_fragments(config, with).at(name);
}

// Makes a certificate and its key in a directory, as a person would.
void make_pair(const std::string& directory, const std::string& name, int days) {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -days " +
      std::to_string(days) + " -keyout " + directory + "/" + name + ".key -out " + directory + "/" + name +
      ".crt 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
}

} // namespace

TEST_CASE("listen lines follow http.addr, TLS and the age of nginx") {
  config::Config config = config_at("127.0.0.1:5000");
  CHECK(fragment("listen.conf", config, settings()).ends_with("\nlisten 127.0.0.1:5000;\n"));
  config.http.addr = "[::1]:5001";
  config.http.tls_certificate = "/c.crt";
  config.http.tls_key = "/c.key";
  CHECK(fragment("listen.conf", config, settings()).ends_with("\nlisten [::1]:5001 ssl http2;\n"));
  CHECK(fragment("tls.conf", config, settings())
            .ends_with("ssl_certificate \"/c.crt\";\nssl_certificate_key \"/c.key\";\n"));
  app::NginxSettings newer = settings();
  newer.has_http2_directive = true;
  CHECK(fragment("listen.conf", config, newer).ends_with("\nlisten [::1]:5001 ssl;\n"));
  CHECK(fragment("tls.conf", config, newer).find("http2 on;\n") != std::string::npos);
}

TEST_CASE("nginx's test listens where nobody can come") {
  config::Config config = config_at(":5000");
  config.http.debug.addr = ":5001";
  app::NginxSettings test = settings();
  test.test_listen = "unix:test";
  CHECK(fragment("listen.conf", config, test).ends_with("\nlisten unix:test;\n"));
  CHECK(fragment("debug_listen.conf", config, test).ends_with("\nlisten unix:test-debug;\n"));
  CHECK(fragment("health_listen.conf", config, test).ends_with("\nlisten unix:test-health;\n"));
  CHECK(fragment("health.conf", config, test).find("include") == std::string::npos);
  test.answers_health = true;
  CHECK(fragment("health.conf", config, test).ends_with("include conf.d/health.conf;\n"));
  CHECK(fragment("health_listen.conf", config, settings()).ends_with("\nlisten unix:health.sock;\n"));
}

TEST_CASE("every kept connection to the pool may be closed, and there are tries left") {
  const std::string text = fragment("upstream.conf", config_at(":5000"), settings());
  const std::string kept = text.substr(text.find("upstream berth_pool_kept"));
  std::size_t servers = 0;
  for (std::size_t at = 0; (at = kept.substr(0, kept.find('}')).find("server ", at)) != std::string::npos; ++at)
    ++servers;
  CHECK(servers == 64 + 2);
  CHECK(kept.find("keepalive 64;") != std::string::npos);
}

TEST_CASE("compose reads in seconds how long to drain") {
  config::Config config = config_at(":5000");
  CHECK(fragment("reload_drain", config, settings()).ends_with("\n5.000\n"));
  config.berth.nginx_reload_drain = std::chrono::milliseconds(50);
  CHECK(fragment("reload_drain", config, settings()).ends_with("\n0.050\n"));
}

TEST_CASE("whatever a header's value holds stays a value") {
  config::Config config = config_at(":5000");
  config.http.headers = {{"X-Odd", {"a \"b\" \\ $c; }"}}};
  CHECK(fragment("headers.conf", config, settings())
            .ends_with("add_header \"X-Odd\" \"a \\\"b\\\" \\\\ ${berth_dollar}c; }\" always;\n"));
}

TEST_CASE("the workers' user is named for root alone") {
  app::NginxSettings with = settings();
  CHECK(fragment("main.conf", config_at(":1"), with).find("user") == std::string::npos);
  with.user = "www-data www-data";
  CHECK(fragment("main.conf", config_at(":1"), with).ends_with("\nuser www-data www-data;\n"));
}

TEST_CASE("a secret is made once, for its owner alone, by however many ask") {
  const test::TempDir dir;
  SystemRandom random;
  std::vector<std::string> secrets(8);
  std::vector<std::thread> threads;
  for (std::string& secret : secrets)
    threads.emplace_back([&] { secret = app::kept_secret(dir.path() + "/store/berth", random).value_or("failed"); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& secret : secrets) CHECK(secret == secrets.front());
  CHECK(secrets.front().size() == 64);
  struct stat info{};
  REQUIRE(::stat((dir.path() + "/store/berth/secret").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(std::distance(std::filesystem::directory_iterator(dir.path() + "/store/berth"), {}) == 1);
}

TEST_CASE("a file that holds no secret is not taken for one") {
  const test::TempDir dir;
  SystemRandom random;
  std::filesystem::create_directory(dir.path() + "/berth");
  dir.write("berth/secret", "short");
  CHECK(app::kept_secret(dir.path() + "/berth", random).error().code == Code::invalid);
}

TEST_CASE("the key that signs schema1 manifests is kept, or the one that the config names") {
  const test::TempDir dir;
  SystemRandom random;
  config::Config config;
  config.berth.state_directory = dir.path() + "/berth";
  const auto made = app::signing_key(config, random);
  REQUIRE(made);
  CHECK(made->algorithm() == "ES256");
  CHECK(app::signing_key(config, random)->public_key().id() == made->public_key().id());
  struct stat info{};
  REQUIRE(::stat((dir.path() + "/berth/signing-key.pem").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);

  const auto other = model::SigningKey::generate().value();
  dir.write("other.pem", other.pem());
  config.schema1.signing_key_file = dir.path() + "/other.pem";
  CHECK(app::signing_key(config, random)->public_key().id() == other.public_key().id());

  dir.write("other.pem", "nothing");
  CHECK(app::signing_key(config, random)
            .error()
            .message.starts_with("compatibility.schema1.signingkeyfile: \"" + config.schema1.signing_key_file +
                                 "\": allowed"));
  config.schema1.signing_key_file = dir.path() + "/missing";
  CHECK(app::signing_key(config, random).error().code == Code::not_found);
  config.schema1.signing_key_file.clear();
  dir.write("berth/signing-key.pem", "nothing");
  CHECK(app::signing_key(config, random).error().code == Code::invalid);
}

TEST_CASE("certificates that nginx could not serve are told apart") {
  const test::TempDir dir;
  make_pair(dir.path(), "one", 10);
  make_pair(dir.path(), "two", 10);
  const auto at = [&](const std::string& name) { return dir.path() + "/" + name; };
  const Time now = SystemClock().now();
  const auto why = [&](const std::string& certificate, const std::string& key, Time when) {
    const auto checked = app::read_certificate(at(certificate), at(key), when);
    return checked ? std::string("good") : checked.error().message.substr(dir.path().size() + 1);
  };
  using std::chrono::hours;
  CHECK(why("one.crt", "one.key", now) == "good");
  CHECK(why("one.crt", "two.key", now) == "two.key: is not the key of " + at("one.crt"));
  CHECK(why("one.crt", "one.key", now + hours(24 * 11)) == "one.crt: has expired");
  CHECK(why("one.crt", "one.key", now - hours(24)) == "one.crt: is not valid yet");
  CHECK(why("one.key", "one.key", now) == "one.key: holds no certificate in PEM form");
  CHECK(why("one.crt", "one.crt", now) == "one.crt: holds no private key in PEM form without a passphrase");
  CHECK(why("none.crt", "one.key", now) ==
        "none.crt: cannot be read (open " + at("none.crt") + ": No such file or directory)");
}

TEST_CASE("a socket's path may be longer than its address can be") {
  const test::TempDir dir;
  const std::string directory = dir.path() + "/" + std::string(120, 'd');
  std::filesystem::create_directory(directory);
  const auto listening = app::listen_on(directory + "/pool.sock");
  REQUIRE(listening);
  REQUIRE(app::listen_on(directory + "/pool.sock")); // replaces what a dead process left
  struct stat info{};
  REQUIRE(::stat((directory + "/pool.sock").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
}

TEST_CASE("how a process ended is said in words") {
  CHECK(app::describe_status(9) == "was ended by signal 9");
  CHECK(app::describe_status(3 << 8) == "exited with 3");
}

TEST_CASE("children are told while processes come and go: one that is gone between a look and the next is no error") {
  FILE* const crowd = ::popen("i=0; while [ $i -lt 5000 ]; do /bin/true & i=$((i + 1)); done; wait", "r");
  REQUIRE(crowd != nullptr);
  pollfd ended{::fileno(crowd), POLLIN, 0}; // the shell closes its end when it is done
  std::size_t seen = 0;
  do {
    const std::vector<pid_t> children = app::children_of(::getpid());
    seen = std::max(seen, children.size());
    for (const pid_t child : children) static_cast<void>(app::title_of(child));
  } while (::poll(&ended, 1, 0) == 0);
  CHECK(seen == 1);
  CHECK(::pclose(crowd) == 0);
}

TEST_CASE("nginx makes pulls by itself unless the pool has to see them") {
  using config::Config;
  const auto lines = [](const Config& config) { return fragment("pulls.conf", config, settings()); };
  const Config plain = config_at(":5000");
  const auto hex = std::string(64, 'a');
  const auto digest = model::Digest::parse("sha256:" + hex).value();
  const auto name = model::RepositoryName::parse("team/app").value();
  std::string link = "/srv/data" + storage::paths::layer_link(name, digest);
  link.replace(link.find("team/app"), 8, "$berth_name").replace(link.find(hex), hex.size(), "$berth_hex");
  CHECK_THAT(lines(plain), Catch::Contains("set $berth_link \"" + link + "\";\n"));
  std::string data = "/srv/data" + storage::paths::blob_data(model::CanonicalDigest::parse("sha256:" + hex).value());
  data.replace(data.find("/aa/"), 4, "/$berth_shard/").replace(data.find(hex), hex.size(), "$berth_hex");
  CHECK_THAT(lines(plain), Catch::Contains("alias \"" + data + "\";\n"));

  const std::vector<void (*)(Config&)> reasons = {
      [](Config& config) { config.auth.kind = config::Auth::Kind::token; },
      [](Config& config) { config.berth.access.given = true; },
      [](Config& config) { config.notifications.endpoints.emplace_back(); },
      [](Config& config) { config.http.debug.addr = ":5001"; },
      [](Config& config) { config.http.prefix = "/registry/"; },
      [](Config& config) { config.health.storage.enabled = true; },
      [](Config& config) { config.health.files.emplace_back(); },
      [](Config& config) { config.health.https.emplace_back(); },
      [](Config& config) { config.health.tcps.emplace_back(); },
  };
  for (const auto reason : reasons) {
    Config config = plain;
    reason(config);
    CHECK_THAT(lines(config), Catch::Contains("pool.conf") && !Catch::Contains("alias"));
  }
  Config disabled = plain;
  disabled.notifications.endpoints.emplace_back().disabled = true;
  CHECK(lines(disabled) == lines(plain));
}

TEST_CASE("where the pool has a gate, nginx makes pulls that others have a say in") {
  using config::Config;
  app::NginxSettings beside = settings();
  beside.pull_gate = "/srv/run/pulls/7";
  const auto pulls = [&](const Config& config) { return fragment("pulls.conf", config, beside); };
  const auto gate = [&](const Config& config) { return fragment("pull_gate.conf", config, beside); };
  const std::string well = "set $berth_gate \"/srv/run/pulls/7/open/.well\";\n",
                    tokens =
                        "set $berth_gate \"/srv/run/pulls/7/open/$berth_bucket/$berth_name/.$berth_token_tail\";\n";
  const Config plain = config_at(":5000");
  CHECK_THAT(gate(plain), !Catch::Contains("$berth_gate"));
  CHECK_THAT(pulls(plain), Catch::Contains("alias") && !Catch::Contains("access_log"));

  Config watched = plain;
  watched.health.files.emplace_back();
  CHECK_THAT(gate(watched), Catch::Contains(well) && Catch::Contains("pull_gate.conf"));
  CHECK_THAT(pulls(watched), Catch::Contains("alias") && !Catch::Contains("access_log"));

  Config counted = plain;
  counted.http.debug = {":5001", true};
  CHECK_THAT(gate(counted), Catch::Contains(well));
  CHECK_THAT(pulls(counted), Catch::Contains("/proc/self/fd/6 berth_pull") && Catch::Contains("/dev/stdout"));
  counted.log.access_disabled = true;
  CHECK_THAT(pulls(counted), Catch::Contains("/proc/self/fd/6 berth_pull") && !Catch::Contains("/dev/stdout"));

  Config guarded = counted;
  guarded.auth.kind = config::Auth::Kind::token;
  CHECK_THAT(gate(guarded), Catch::Contains(tokens) && !Catch::Contains(".well"));
  CHECK_THAT(pulls(guarded), Catch::Contains("alias"));

  Config ruled = plain;
  ruled.auth.kind = config::Auth::Kind::htpasswd;
  ruled.berth.access.given = true;
  CHECK_THAT(gate(ruled), Catch::Contains(tokens) && !Catch::Contains(".well"));
  ruled.berth.access.rules = {{"", "anyone", {"public/**"}, {"pull"}}, {"", "signed-in", {"**"}, {"pull"}}};
  CHECK_THAT(gate(ruled), !Catch::Contains(".well"));
  ruled.berth.access.rules.push_back({"", "anyone", {"a", "**"}, {"pull"}});
  CHECK_THAT(gate(ruled), Catch::Contains(tokens + "if ($berth_token_tail = -) {\n    " + well + "}\n"));

  const std::vector<void (*)(Config&)> reasons = {
      [](Config& config) { config.notifications.endpoints.emplace_back(); },
      [](Config& config) { config.http.prefix = "/registry/"; },
      [](Config& config) { config.auth.kind = config::Auth::Kind::htpasswd; },
      [](Config& config) { config.auth.kind = config::Auth::Kind::silly; },
  };
  for (const auto reason : reasons) {
    Config config = counted;
    reason(config);
    CHECK_THAT(pulls(config), Catch::Contains("pool.conf") && !Catch::Contains("alias"));
  }
}

TEST_CASE("the pool gets the certificates of clients if the config asks whom they name") {
  config::Config config = config_at(":5000");
  const auto text = [&] { return fragment("client_certificate.conf", config, settings()); };
  CHECK_THAT(text(), !Catch::Contains("fastcgi_param"));
  config.berth.access.certificates.subject = "cn";
  CHECK_THAT(text(), !Catch::Contains("fastcgi_param"));
  config.http.client_cas = {"/srv/ca.crt"};
  CHECK_THAT(text(), Catch::EndsWith("fastcgi_param BERTH_CLIENT_CERT $berth_client_certificate;\n"));
  config.berth.access.certificates.subject.clear();
  CHECK_THAT(text(), !Catch::Contains("fastcgi_param"));
}

TEST_CASE("bodies of the v1 API wait for the pool's word, but for those of another registry") {
  config::Config config = config_at(":5000");
  CHECK_THAT(fragment("v1_asks.conf", config, settings()), Catch::Contains("/_berth/v1/before_body;"));
  CHECK_THAT(fragment("v1_bodies.conf", config, settings()), Catch::Contains("v1_bodies.conf;"));
  config.berth.v1_upstream = "https://v1.internal:5000";
  CHECK_THAT(fragment("v1_asks.conf", config, settings()), Catch::Contains(" \"\";"));
  CHECK_THAT(fragment("v1_bodies.conf", config, settings()), !Catch::Contains("include"));
}
