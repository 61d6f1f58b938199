#include "auth/ldap_directory.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "auth/caller_name.h"
#include "auth/libldap.h"
#include "base/signals_blocked.h"
#include "base/small_file.h"
#include "base/unique_fd.h"

namespace berth::auth {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr std::string_view placeholder = "{user}";
constexpr const char* system_ca = "/etc/ssl/certs/ca-certificates.crt";
constexpr std::size_t max_secret_bytes = 4096, max_text_bytes = 200, max_groups = 1000;

struct Entry {
  std::string dn;
  std::vector<std::string> groups;
};

// Ends a connection at its deadline, whatever waits for it. libldap bounds its own waiting, but not the handshake of
// TLS: there GnuTLS would wait for ever, or, where the socket does not block, ask again and again.
class Watchdog {
public:
  explicit Watchdog(Deadline deadline) {
    const SignalsBlocked blocked;
    thread_ = std::jthread([this, deadline](const std::stop_token& stop) {
      std::unique_lock lock(mutex_);
      stopped_.wait_until(lock, stop, deadline, [] { return false; });
      late_ = !stop.stop_requested();
      if (late_ && socket_) ::shutdown(socket_.get(), SHUT_RDWR);
    });
  }
  // A descriptor of its own: libldap closes the other when it likes.
  void watch(int socket) {
    const std::lock_guard lock(mutex_);
    socket_ = UniqueFd(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
    if (late_) ::shutdown(socket, SHUT_RDWR);
  }

private:
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  UniqueFd socket_;
  bool late_ = false;
  std::jthread thread_; // the last member: it uses the others
};

// One connection; ends with its owner. Errors: unavailable.
class Connection {
public:
  Connection(const Libldap& ldap, const LdapDirectory::Options& options, Deadline deadline)
      : ldap_(ldap), options_(options), deadline_(deadline), watchdog_(deadline) {
    events_.lc_add = &Connection::connected;
    events_.lc_del = [](LDAP*, Sockbuf*, ldap_conncb*) {};
    events_.lc_arg = this;
  }
  Connection(const Connection&) = delete;
  ~Connection() {
    if (handle_ != nullptr) ldap_.unbind_ext_s(handle_, nullptr, nullptr);
  }

  Result<> open();
  // Whether the password is that of the entry.
  Result<bool> bind(const std::string& dn, std::string_view password);
  // The one entry of a search; nothing if there is none, or there are several.
  Result<std::optional<Entry>> find(const std::string& filter);

private:
  Result<> set(int option, const void* value);
  Result<> set_tls();
  Result<timeval> time_left();
  std::unexpected<Error> failed(const char* what, int code);
  std::vector<std::string> groups_of(LDAPMessage* entry);
  std::string group_name(const std::string& value);
  static int connected(LDAP* handle, Sockbuf* socket, LDAPURLDesc*, sockaddr*, ldap_conncb* events);

  const Libldap& ldap_;
  const LdapDirectory::Options& options_;
  const Deadline deadline_;
  Watchdog watchdog_;
  ldap_conncb events_{};
  LDAP* handle_ = nullptr;
};

std::unexpected<Error> Connection::failed(const char* what, int code) {
  std::string message = std::string("ldap: ") + what + ": " + ldap_.err2string(code);
  char* more = nullptr;
  if (handle_ != nullptr &&
      ldap_.get_option(handle_, LDAP_OPT_DIAGNOSTIC_MESSAGE, static_cast<void*>(&more)) == LDAP_OPT_SUCCESS &&
      more != nullptr) {
    const std::string_view text(more);
    if (!text.empty() && is_plain_utf8(text)) message.append(": ").append(text.substr(0, max_text_bytes));
    ldap_.memfree(more);
  }
  return fail(Code::unavailable, std::move(message));
}

Result<> Connection::set(int option, const void* value) {
  if (ldap_.set_option(handle_, option, value) == LDAP_OPT_SUCCESS) return {};
  return fail(Code::unavailable, "ldap: libldap does not take an option: " + std::to_string(option));
}

// Between connect(2) and TLS. The time to connect in is not to be that of a handshake, for which libldap would make the
// socket one that does not block.
int Connection::connected(LDAP* handle, Sockbuf* socket, LDAPURLDesc*, sockaddr*, ldap_conncb* events) {
  auto& connection = *static_cast<Connection*>(events->lc_arg);
  int descriptor = -1;
  if (connection.ldap_.ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &descriptor) == 1)
    connection.watchdog_.watch(descriptor);
  const timeval none{.tv_sec = -1, .tv_usec = 0};
  connection.ldap_.set_option(handle, LDAP_OPT_NETWORK_TIMEOUT, &none);
  return 0;
}

// What is left of the time, for what is done next.
Result<timeval> Connection::time_left() {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
  if (left <= 0) return failed("no answer in time", LDAP_TIMEOUT);
  timeval time{.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
  BERTH_CHECK(set(LDAP_OPT_TIMEOUT, &time));
  return time;
}

// Nothing is left to ldap.conf.
Result<> Connection::set_tls() {
  const int demand = LDAP_OPT_X_TLS_HARD, client = 0;
  BERTH_CHECK(set(LDAP_OPT_X_TLS_CACERTFILE, options_.ca.empty() ? system_ca : options_.ca.c_str()));
  BERTH_CHECK(set(LDAP_OPT_X_TLS_REQUIRE_CERT, &demand));
  return set(LDAP_OPT_X_TLS_NEWCTX, &client);
}

Result<> Connection::open() {
  if (const int code = ldap_.initialize(&handle_, options_.url.c_str()); code != LDAP_SUCCESS)
    return failed("initialize", code);
  const int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER;
  BERTH_CHECK(set(LDAP_OPT_PROTOCOL_VERSION, &version));
  BERTH_CHECK(set(LDAP_OPT_REFERRALS, LDAP_OPT_OFF)); // a password goes to this server only
  BERTH_CHECK(set(LDAP_OPT_DEREF, &never));
  const bool tls = options_.start_tls || options_.url.starts_with("ldaps:");
  if (tls) BERTH_CHECK(set_tls());
  BERTH_CHECK(set(LDAP_OPT_CONNECT_CB, &events_));
  BERTH_TRY(const timeval time, time_left());
  BERTH_CHECK(set(LDAP_OPT_NETWORK_TIMEOUT, &time));
  if (!options_.start_tls) return {};
  if (const int code = ldap_.start_tls_s(handle_, nullptr, nullptr); code != LDAP_SUCCESS)
    return failed("StartTLS", code);
  return {};
}

Result<bool> Connection::bind(const std::string& dn, std::string_view password) {
  BERTH_CHECK(time_left());
  std::string copy(password); // libldap's type is not const
  berval secret{.bv_len = copy.size(), .bv_val = copy.data()};
  const int code = ldap_.sasl_bind_s(handle_, dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, nullptr);
  OPENSSL_cleanse(copy.data(), copy.size());
  switch (code) {
  case LDAP_SUCCESS: return true;
  case LDAP_INVALID_CREDENTIALS:
  case LDAP_NO_SUCH_OBJECT:
  case LDAP_INVALID_DN_SYNTAX:
  case LDAP_INAPPROPRIATE_AUTH:   // the entry has no password
  case LDAP_CONSTRAINT_VIOLATION: // a policy of passwords: locked
  case LDAP_UNWILLING_TO_PERFORM: return false;
  default: return failed("bind", code);
  }
}

Result<std::optional<Entry>> Connection::find(const std::string& filter) {
  constexpr int two = 2; // entries: one too many is enough
  BERTH_TRY(timeval time, time_left());
  std::string attribute = options_.group_attribute.empty() ? LDAP_NO_ATTRS : options_.group_attribute;
  std::array<char*, 2> attributes{attribute.data(), nullptr};
  LDAPMessage* reply = nullptr;
  const int code = ldap_.search_ext_s(handle_, options_.base.c_str(), LDAP_SCOPE_SUBTREE, filter.c_str(),
                                      attributes.data(), 0, nullptr, nullptr, &time, two, &reply);
  const std::unique_ptr<LDAPMessage, decltype(ldap_.msgfree)> owned(reply, ldap_.msgfree);
  if (code == LDAP_SIZELIMIT_EXCEEDED) return std::nullopt;
  if (code != LDAP_SUCCESS) return failed("search", code);
  if (ldap_.count_entries(handle_, reply) != 1) return std::nullopt;
  LDAPMessage* const entry = ldap_.first_entry(handle_, reply);
  char* const dn = ldap_.get_dn(handle_, entry);
  if (dn == nullptr) return failed("search", LDAP_DECODING_ERROR);
  Entry found{dn, groups_of(entry)};
  ldap_.memfree(dn);
  if (found.dn.empty()) return std::nullopt; // a bind as nobody would be no proof
  return found;
}

std::string Connection::group_name(const std::string& value) {
  LDAPDN dn = nullptr;
  if (ldap_.str2dn(value.c_str(), &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS || dn == nullptr) return value;
  std::string name;
  if (dn[0] != nullptr && dn[0][0] != nullptr) name.assign(dn[0][0]->la_value.bv_val, dn[0][0]->la_value.bv_len);
  ldap_.dnfree(dn);
  return name;
}

std::vector<std::string> Connection::groups_of(LDAPMessage* entry) {
  std::vector<std::string> groups;
  if (options_.group_attribute.empty()) return groups;
  berval** const values = ldap_.get_values_len(handle_, entry, options_.group_attribute.c_str());
  for (std::size_t at = 0; values != nullptr && values[at] != nullptr && groups.size() < max_groups; ++at) {
    std::string name = group_name(std::string(values[at]->bv_val, values[at]->bv_len));
    if (is_login_name(name) && std::ranges::find(groups, name) == groups.end()) groups.push_back(std::move(name));
  }
  if (values != nullptr) ldap_.value_free_len(values);
  return groups;
}

// As the file has it, but for the end of a line.
Result<std::string> secret_of(const std::string& path) {
  if (path.empty()) return std::string();
  auto text = read_small_file(path, max_secret_bytes);
  if (!text) return fail(Code::unavailable, "berth.access.ldap.bindpasswordfile: " + text.error().message);
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  return text;
}

} // namespace

std::string escape_filter_value(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef", plain = "-_.@ ";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          plain.find(c) != std::string_view::npos;
    if (is_plain)
      escaped += c;
    else
      ((escaped += '\\') += digits[byte >> 4]) += digits[byte & 15];
  }
  return escaped;
}

Result<std::unique_ptr<LdapDirectory>> LdapDirectory::make(Options options) {
  const auto refuse = [](const char* why) { return fail(Code::invalid, std::string("berth.access.ldap.") + why); };
  if (!options.url.starts_with("ldap://") && !options.url.starts_with("ldaps://"))
    return refuse("url: allowed is ldap://HOST[:PORT] or ldaps://HOST[:PORT]");
  if (options.start_tls && options.url.starts_with("ldaps:")) return refuse("starttls: ldaps:// has TLS already");
  if (options.base.empty()) return refuse("base: is missing");
  if (options.filter.find(placeholder) == std::string::npos) return refuse("filter: has no {user}");
  if (options.bind_dn.empty() != options.bind_password_file.empty())
    return refuse("binddn: goes with bindpasswordfile, and that with it");
  const auto loaded = libldap();
  if (!loaded) return fail(loaded.error().code, "berth.access.ldap: " + loaded.error().message);
  return std::unique_ptr<LdapDirectory>(new LdapDirectory(std::move(options), **loaded));
}

Result<Caller> LdapDirectory::check(std::string_view user, std::string_view password) const {
  const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
  std::string filter = options_.filter;
  const std::string value = escape_filter_value(user);
  for (std::size_t at = 0; (at = filter.find(placeholder, at)) != std::string::npos; at += value.size())
    filter.replace(at, placeholder.size(), value);

  Connection search(ldap_, options_, deadline);
  BERTH_CHECK(search.open());
  BERTH_TRY(std::string secret, secret_of(options_.bind_password_file));
  const auto may_search = search.bind(options_.bind_dn, secret);
  OPENSSL_cleanse(secret.data(), secret.size());
  BERTH_CHECK(may_search);
  if (!*may_search) return fail(Code::unavailable, "ldap: the directory does not take berth.access.ldap.binddn");
  BERTH_TRY(auto entry, search.find(filter));

  // Who is not there costs as many questions.
  Connection login(ldap_, options_, deadline);
  BERTH_CHECK(login.open());
  BERTH_TRY(const bool right, login.bind(entry ? entry->dn : "cn=nobody of that name," + options_.base, password));
  if (!entry || !right) return fail(Code::unauthorized, "the directory says no");
  return Caller{.user = std::string(user), .groups = std::move(entry->groups)};
}

} // namespace berth::auth
