// OpenLDAP's own server, asked by LdapDirectory, and by a real saslauthd that Saslauthd asks. Both are started on
// loopback with files of the test's own; without them (packages slapd, ldap-utils, sasl2-bin) nothing is tested, which
// the test says.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <thread>

#include "auth/ldap_directory.h"
#include "auth/saslauthd.h"
#include "base/unique_fd.h"
#include "unit/temp_dir.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;

// A program in the foreground; ended with its owner.
class Program {
public:
  explicit Program(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t quietly;
    ::posix_spawn_file_actions_init(&quietly);
    for (const int fd : {1, 2}) ::posix_spawn_file_actions_addopen(&quietly, fd, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t apart; // saslauthd ends its whole process group
    ::posix_spawnattr_init(&apart);
    ::posix_spawnattr_setflags(&apart, POSIX_SPAWN_SETPGROUP);
    REQUIRE(::posix_spawn(&pid_, words[0].c_str(), &quietly, &apart, arguments.data(), environ) == 0);
    ::posix_spawnattr_destroy(&apart);
    ::posix_spawn_file_actions_destroy(&quietly);
  }
  Program(const Program&) = delete;
  ~Program() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

private:
  pid_t pid_ = 0;
};

int free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

bool is_there(const char* program) {
  if (::access(program, X_OK) == 0) return true;
  WARN("SKIPPED: there is no " << program);
  return false;
}

constexpr const char* configuration = R"(
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
TLSCertificateFile @/tls.crt
TLSCertificateKeyFile @/tls.key
database mdb
suffix dc=example,dc=org
rootdn cn=admin,dc=example,dc=org
rootpw admin
directory @/data
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=search,dc=example,dc=org" read by * none
)";

constexpr const char* entries = R"(dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=search,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: search
userPassword: searching

dn: uid=alice,dc=example,dc=org
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: A
mail: a@example.org
userPassword: secret

dn: uid=bob*,dc=example,dc=org
objectClass: inetOrgPerson
uid: bob*
cn: Bob
sn: B
mail: shared@example.org
userPassword: fast

dn: uid=carol,dc=example,dc=org
objectClass: inetOrgPerson
uid: carol
cn: Carol
sn: C
mail: shared@example.org

dn: cn=devs,dc=example,dc=org
objectClass: groupOfNames
cn: devs
member: uid=alice,dc=example,dc=org
member: uid=bob*,dc=example,dc=org

dn: cn=Ops\2C night,dc=example,dc=org
objectClass: groupOfNames
cn: Ops, night
member: uid=alice,dc=example,dc=org

dn: cn=user:alice,dc=example,dc=org
objectClass: groupOfNames
cn: user:alice
member: uid=alice,dc=example,dc=org
)";

void run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system((command + " >/dev/null 2>&1").c_str()) == 0);
}

// Whether it works within ten seconds.
bool comes_to_work(const std::string& command) {
  for (int i = 0; i < 100; ++i) {
    if (std::system((command + " >/dev/null 2>&1").c_str()) == 0) return true;
    std::this_thread::sleep_for(100ms);
  }
  return false;
}

class Directory {
public:
  Directory() : plain_(free_port()), tls_(free_port()) {
    const std::string& at = folder_.path();
    std::string text = configuration;
    for (std::size_t found = 0; (found = text.find('@')) != std::string::npos;) text.replace(found, 1, at);
    folder_.write("slapd.conf", text);
    folder_.write("entries", entries);
    folder_.write("searching", "searching\n");
    run("mkdir " + at + "/data && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=berth-test " +
        "-addext subjectAltName=IP:127.0.0.1 -keyout " + at + "/tls.key -out " + at + "/tls.crt");
    server_.emplace(std::vector<std::string>{"/usr/sbin/slapd", "-d", "0", "-f", at + "/slapd.conf", "-h",
                                             url() + " ldaps://127.0.0.1:" + std::to_string(tls_)});
    REQUIRE(
        comes_to_work("ldapadd -x -D cn=admin,dc=example,dc=org -w admin -c -H " + url() + " -f " + at + "/entries"));
  }
  std::string url() const { return "ldap://127.0.0.1:" + std::to_string(plain_); }
  std::string file(const std::string& name) const { return folder_.path() + "/" + name; }
  LdapDirectory::Options options() const {
    return {.url = url(),
            .ca = file("tls.crt"),
            .bind_dn = "cn=search,dc=example,dc=org",
            .bind_password_file = file("searching"),
            .base = "dc=example,dc=org"};
  }
  LdapDirectory::Options by_tls() const {
    LdapDirectory::Options changed = options();
    changed.url = "ldaps://127.0.0.1:" + std::to_string(tls_);
    return changed;
  }

private:
  const test::TempDir folder_;
  const int plain_, tls_;
  std::optional<Program> server_;
};

// "yes: NAME GROUP...", or why not.
std::string ask(const LdapDirectory::Options& options, std::string_view user, std::string_view password) {
  const auto directory = LdapDirectory::make(options);
  REQUIRE(directory);
  const auto caller = (*directory)->check(user, password);
  if (!caller) {
    if (is(caller.error(), Code::unauthorized)) return "no";
    CHECK(is(caller.error(), Code::unavailable));
    return caller.error().message;
  }
  std::string text = "yes: " + caller->user;
  std::vector<std::string> groups = caller->groups;
  std::ranges::sort(groups);
  for (const std::string& group : groups) text += "; " + group;
  return text;
}

} // namespace

TEST_CASE("a real directory says who somebody is") {
  if (!is_there("/usr/sbin/slapd") || !is_there("/usr/bin/ldapadd")) return;
  const Directory directory;
  const auto options = directory.options();
  // Groups whose names are none are left out.
  CHECK(ask(options, "alice", "secret") == "yes: alice; Ops, night; devs");
  CHECK(ask(options, "alice", "Secret") == "no");
  CHECK(ask(options, "carol", "secret") == "no"); // has no password
  CHECK(ask(options, "nobody", "secret") == "no");
  // What is a filter for others is a name.
  for (const char* user : {"*", "bob", "a*", "alice)(cn=*", "*)(uid=alice", "\\2a"})
    CHECK(ask(options, user, "fast") == "no");
  CHECK(ask(options, "bob*", "fast") == "yes: bob*; devs");

  auto other = options;
  other.filter = "(mail={user})";
  CHECK(ask(other, "a@example.org", "secret") == "yes: a@example.org; Ops, night; devs");
  CHECK(ask(other, "shared@example.org", "fast") == "no"); // whose?
  other.filter = "(|(uid={user})(mail={user}))";
  other.group_attribute = "";
  CHECK(ask(other, "alice", "secret") == "yes: alice");
  other.group_attribute = "sn"; // a name, and no DN
  CHECK(ask(other, "alice", "secret") == "yes: alice; A");
}

TEST_CASE("a directory that cannot be asked is not one that says no") {
  if (!is_there("/usr/sbin/slapd") || !is_there("/usr/bin/ldapadd")) return;
  std::string gone;
  {
    const Directory directory;
    auto options = directory.options();
    gone = options.url;
    options.bind_password_file = directory.file("entries");
    CHECK(ask(options, "alice", "secret") == "ldap: the directory does not take berth.access.ldap.binddn");
    options.bind_password_file = "/nonexistent";
    CHECK(ask(options, "alice", "secret").starts_with("berth.access.ldap.bindpasswordfile: "));
    options = directory.options();
    options.filter = "((uid={user}";
    CHECK(ask(options, "alice", "secret").starts_with("ldap: search: Bad search filter"));
  }
  CHECK(ask({.url = gone, .base = "dc=example,dc=org"}, "alice", "secret").starts_with("ldap: bind: Can't contact"));

  // One that takes connections and says nothing.
  const UniqueFd mute(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(mute.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(mute.get(), 4) == 0);
  REQUIRE(::getsockname(mute.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  for (const bool tls : {false, true}) {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(
        ask({.url = "ldap://127.0.0.1:" + port, .start_tls = tls, .base = "dc=x", .timeout = 300ms}, "alice", "secret")
            .starts_with("ldap: "));
    CHECK(ask({.url = "ldaps://127.0.0.1:" + port, .base = "dc=x", .timeout = 300ms}, "alice", "secret")
              .starts_with("ldap: "));
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
  }
}

TEST_CASE("TLS to a directory is verified") {
  if (!is_there("/usr/sbin/slapd") || !is_there("/usr/bin/ldapadd")) return;
  const Directory directory;
  auto started = directory.options(), whole = directory.by_tls();
  started.start_tls = true;
  for (auto* options : {&started, &whole}) {
    CHECK(ask(*options, "alice", "secret").starts_with("yes: alice"));
    options->ca.clear(); // the system's, which do not know it
    CHECK(ask(*options, "alice", "secret").starts_with("ldap: "));
    options->ca = directory.file("tls.crt");
    options->url.replace(options->url.find("127.0.0.1"), 9, "localhost"); // not in the certificate
    CHECK(ask(*options, "alice", "secret").starts_with("ldap: "));
  }
}

TEST_CASE("a real saslauthd is asked") {
  if (!is_there("/usr/sbin/slapd") || !is_there("/usr/bin/ldapadd") || !is_there("/usr/sbin/saslauthd")) return;
  const Directory directory;
  const test::TempDir folder;
  const std::string settings =
      folder.write("saslauthd.conf", "ldap_servers: " + directory.url() +
                                         "\nldap_search_base: dc=example,dc=org\nldap_filter: (uid=%u)\n"
                                         "ldap_bind_dn: cn=search,dc=example,dc=org\nldap_password: searching\n");
  const Program daemon({"/usr/sbin/saslauthd", "-d", "-a", "ldap", "-O", settings, "-m", folder.path(), "-n", "1"});
  const Saslauthd asked({.socket = folder.path() + "/mux"});
  for (int i = 0; i < 100 && ::access((folder.path() + "/mux").c_str(), F_OK) != 0; ++i)
    std::this_thread::sleep_for(100ms);
  const auto answer = [&](std::string_view user, std::string_view password) {
    const auto caller = asked.check(user, password);
    return caller ? "yes: " + caller->user : is(caller.error(), Code::unauthorized) ? "no" : caller.error().message;
  };
  CHECK(answer("alice", "secret") == "yes: alice");
  CHECK(answer("alice", "wrong") == "no");
  CHECK(answer("nobody", "secret") == "no");
  CHECK(answer(std::string(255, 'x'), std::string(255, 'y')) == "no");
  CHECK(answer("alice", "secret") == "yes: alice");
}

} // namespace berth::auth
