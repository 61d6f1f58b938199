#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "base/url_secrets.h"
#include "config/config.h"
#include "config/defaults.h"
#include "config/environment.h"
#include "config/keys.h"
#include "config/read_access.h"
#include "config/read_retention.h"
#include "config/readers.h"
#include "config/refuse.h"
#include "config/suggest.h"
#include "config/yaml.h"

namespace berth::config {
namespace {

constexpr std::array<std::string_view, 5> storage_siblings{"cache", "maintenance", "delete", "redirect", "tag"};
struct OtherDriver {
  std::string_view name, instead;
};
constexpr std::string_view no_memory = "it would forget everything at its end";
constexpr std::array<OtherDriver, 8> other_drivers{{
    {"s3-aws", "it is called s3, or s3aws"},
    {"azure", "Azure speaks no S3: a gateway before it does, whose address is storage.s3.regionendpoint"},
    {"gcs", "Google's storage speaks S3: storage.s3 with regionendpoint https://storage.googleapis.com and HMAC keys"},
    {"oss", "Alibaba's storage speaks S3: storage.s3 with its S3 endpoint as regionendpoint, forcepathstyle: false"},
    {"swift", "Swift speaks S3 by its s3api: storage.s3 with its address as regionendpoint"},
    {"rados", "Ceph speaks S3 by its gateway: storage.s3 with its address as regionendpoint"},
    {"inmemory", no_memory},
    {"in-memory", no_memory},
}};
constexpr const char* our_drivers = "filesystem or s3";

Result<> check_version(const Node& root) {
  const Node* version = root.find("version");
  if (!version) return refuse_missing(root, "version", "0.1, which must be given");
  if (version->text != "0.1") return refuse(*version, "version", "0.1");
  return {};
}

bool is_sibling(const std::string& name) { return std::ranges::find(storage_siblings, name) != storage_siblings.end(); }

bool is_driver(const std::string& name) {
  return name == "filesystem" || name == "s3" ||
         std::ranges::find(other_drivers, name, &OtherDriver::name) != other_drivers.end();
}

// Exactly one storage driver, and one that berth has. A name that is no driver stands for one only if there is no
// other: beside a driver it is an unknown key like any.
Result<> check_storage(Node& root) {
  Node* storage = root.find("storage");
  if (!storage || storage->is_null())
    return refuse_missing(storage ? *storage : root, "storage", std::string("one driver: ") + our_drivers);
  if (!storage->is_map()) return refuse(*storage, "storage", std::string("a map with one driver: ") + our_drivers);
  for (Member& member : storage->members)
    if (member.key == "s3aws") member.key = "s3";
  const Member* driver = nullptr;
  const Member* unknown = nullptr;
  for (const Member& member : storage->members) {
    if (is_sibling(member.key)) continue;
    const Member*& found = is_driver(member.key) ? driver : unknown;
    if (found && found == driver)
      return fail(Code::invalid, member.origin + ": storage." + member.key + ": a second driver beside storage." +
                                     driver->key + ": allowed is one");
    found = &member;
  }
  if (!driver && !unknown) return refuse_missing(*storage, "storage", std::string("one driver: ") + our_drivers);
  if (driver && (driver->key == "filesystem" || driver->key == "s3")) return {};
  const Member& refused = driver ? *driver : *unknown;
  const std::string where = refused.origin + ": storage." + refused.key + ": ";
  if (!driver) return fail(Code::invalid, where + "no such driver: allowed is " + our_drivers);
  const auto other = std::ranges::find(other_drivers, driver->key, &OtherDriver::name);
  return fail(Code::invalid, where + "berth does not have this driver: allowed is " + our_drivers + "; " +
                                 std::string(other->instead));
}

// What a bucket needs beside itself.
Result<> check_s3(const Node& root, const Config& config) {
  const Node* node = root.at("storage.s3");
  if (!node || root.find("storage")->find("s3") == nullptr) return {};
  const S3& s3 = config.storage.s3;
  if (s3.bucket.empty()) return refuse_missing(*node, "storage.s3.bucket", "a bucket's name, which must be given");
  if (s3.region.empty() && s3.endpoint.empty())
    return refuse_missing(*node, "storage.s3.region", "a region, as in eu-central-1, or regionendpoint");
  if (s3.access_key.empty() != s3.secret_key.empty())
    return refuse_missing(*node, s3.access_key.empty() ? "storage.s3.accesskey" : "storage.s3.secretkey",
                          "accesskey and secretkey, or neither");
  if (!s3.endpoint.empty() && (s3.dual_stack || s3.accelerate || s3.fips))
    return refuse(*node, "storage.s3",
                  "usedualstack, accelerate and usefipsendpoint without regionendpoint: they choose "
                  "an endpoint of AWS");
  const Node* redirect = root.at("storage.redirect.disable");
  if (redirect && !redirect->is_null() && to_flag(*redirect).value_or(true))
    return refuse(*redirect, "storage.redirect.disable",
                  "false: berth cannot send the bytes of a bucket itself yet, and redirects clients to it");
  return {};
}

Result<> check_names(const Node& section, const std::string& path, Loaded& loaded);

// Names a key that asks for something and changes nothing, once; those with a reader have words of their own.
void note_ignored(const Key& key, const Member& member, const std::string& path, Loaded& loaded) {
  if (key.standing != Standing::ignored || key.read || member.value.is_null() || member.value.text == "false") return;
  loaded.notes.push_back(member.origin + ": " + path + ": without effect: " + std::string(key.doc));
}

// The same for a list of maps.
Result<> check_list(const Node& list, const std::string& path, Loaded& loaded) {
  if (list.is_scalar() || list.is_map() || list.items.size() > max_list_items)
    return refuse(list, path, "a list of maps, " + std::to_string(max_list_items) + " at most");
  for (const Node& item : list.items) {
    if (!item.is_map()) return refuse(item, path, "a list of maps");
    BERTH_CHECK(check_names(item, path + "[]", loaded));
  }
  return {};
}

// Names what no key is, and what has no effect; refuses words where maps belong.
Result<> check_names(const Node& section, const std::string& path, Loaded& loaded) {
  for (const Member& member : section.members) {
    const std::string child = path.empty() ? member.key : path + "." + member.key;
    const bool whole = !member.key.contains('.'); // a.b: c is another key than a: {b: c}
    if (const Key* key = whole ? find_key(child) : nullptr) {
      if (key->shape == Shape::list) BERTH_CHECK(check_list(member.value, child, loaded));
      note_ignored(*key, member, child, loaded);
    } else if (whole && is_section(child)) {
      if (member.value.is_scalar() || member.value.is_list()) {
        std::string names;
        for (const std::string& name : names_in(child)) names += (names.empty() ? "" : ", ") + name;
        return refuse(member.value, child, "a map of " + names);
      }
      BERTH_CHECK(check_names(member.value, child, loaded));
    } else {
      BERTH_CHECK(refuse_lost_access(member, path));
      const std::string near = nearest(member.key, names_in(path));
      loaded.warnings.push_back(member.origin + ": " + child + ": unknown, and without effect" +
                                (near.empty() ? "" : "; did you mean " + near + "?"));
    }
  }
  return {};
}

Result<> read_key(const Key& key, const Node* node, std::string_view path, Loaded& loaded) {
  if (!key.read || !node || node->is_null() || (node->is_scalar() && node->text.empty())) return {}; // nothing given
  const auto read = key.read({*node, path, loaded.config, loaded.warnings});
  if (!read) return refuse(*node, path, read.error().message, key.secrecy);
  return {};
}

// The maps of a list, each with the rows of its keys.
Result<> read_list(const Key& list, const Node& node, Loaded& loaded) {
  const std::string inside = std::string(list.path) + "[].";
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    BERTH_CHECK(read_key(list, &node.items[i], list.path, loaded));
    for (const Key& key : keys()) {
      if (!key.path.starts_with(inside)) continue;
      const std::string_view rest = key.path.substr(inside.size());
      const std::string shown = std::string(list.path) + "[" + std::to_string(i) + "]." + std::string(rest);
      BERTH_CHECK(read_key(key, node.items[i].at(rest), shown, loaded));
    }
  }
  return {};
}

Result<> read_keys(const Node& root, Loaded& loaded) {
  for (const Key& key : keys()) {
    if (key.path.contains("[].")) continue;
    const Node* node = root.at(key.path);
    if (key.shape == Shape::list && node)
      BERTH_CHECK(read_list(key, *node, loaded));
    else
      BERTH_CHECK(read_key(key, node, key.path, loaded));
  }
  return {};
}

// Queues and metrics go by the name: those that are in use differ.
Result<> name_endpoints(const Node& root, std::vector<NotificationEndpoint>& endpoints) {
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    NotificationEndpoint& endpoint = endpoints[i];
    if (endpoint.name.empty()) endpoint.name = without_secrets(endpoint.url);
    const auto same = [&](const NotificationEndpoint& other) { return !other.disabled && other.name == endpoint.name; };
    if (!endpoint.disabled && std::any_of(endpoints.begin(), endpoints.begin() + static_cast<std::ptrdiff_t>(i), same))
      return fail(Code::invalid, root.at("notifications.endpoints")->items[i].origin + ": notifications.endpoints[" +
                                     std::to_string(i) + "].name: \"" + endpoint.name +
                                     "\": allowed is a name that no other endpoint has");
  }
  return {};
}

// Checks the keys that each map of a list requires.
Result<> check_lists(const Node& root, Config& config) {
  const auto require = [&](std::string_view list, std::size_t i, std::string_view key, bool given) -> Result<> {
    if (given) return {};
    const Node& item = root.at(list)->items[i];
    return refuse(item, std::string(list) + "[" + std::to_string(i) + "]", "a map with " + std::string(key));
  };
  for (std::size_t i = 0; i < config.notifications.endpoints.size(); ++i) {
    const NotificationEndpoint& endpoint = config.notifications.endpoints[i];
    BERTH_CHECK(require("notifications.endpoints", i, "url", endpoint.disabled || !endpoint.url.empty()));
  }
  BERTH_CHECK(name_endpoints(root, config.notifications.endpoints));
  for (std::size_t i = 0; i < config.health.files.size(); ++i)
    BERTH_CHECK(require("health.file", i, "file", !config.health.files[i].file.empty()));
  for (std::size_t i = 0; i < config.health.https.size(); ++i)
    BERTH_CHECK(require("health.http", i, "uri", !config.health.https[i].uri.empty()));
  for (std::size_t i = 0; i < config.health.tcps.size(); ++i)
    BERTH_CHECK(require("health.tcp", i, "addr", !config.health.tcps[i].addr.empty()));
  return {};
}

Result<> check_redis(const Node& root, Loaded& loaded) {
  const Config& config = loaded.config;
  const Redis& redis = config.redis;
  if (redis.tls_certificate.empty() != redis.tls_key.empty())
    return refuse(*root.at("redis.tls"), "redis.tls", "certificate and key, or neither");
  if (config.storage.cache_in_redis && redis.addrs.empty())
    return refuse(*root.at("storage.cache"), "storage.cache.blobdescriptor",
                  "redis, with redis.addr (or redis.addrs) that says where it is");
  if (config.storage.cache_in_redis && (redis.addrs.size() > 1 || !redis.sentinel_master.empty()))
    loaded.warnings.push_back(root.at("redis")->origin +
                              ": redis: berth speaks to one server, not to clusters or sentinels: descriptors are not "
                              "cached");
  return {};
}

Result<> check_readable(const Node& root, std::string_view path, const std::string& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!fd) return refuse(*root.at(path), path, std::string("a file that can be read: ") + std::strerror(errno));
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return refuse(*root.at(path), path, "a file that can be read: it is not a regular file");
  return {};
}

Result<> check_tls(const Node& root, const Config& config) {
  const auto& http = config.http;
  if (http.tls_certificate.empty() && http.tls_key.empty()) {
    if (http.client_cas.empty()) return {};
    return refuse(*root.at("http.tls.clientcas"), "http.tls.clientcas", "a list of files beside certificate and key");
  }
  if (http.tls_key.empty())
    return refuse(*root.at("http.tls"), "http.tls", "certificate and key, or neither; key is missing");
  if (http.tls_certificate.empty())
    return refuse(*root.at("http.tls"), "http.tls", "certificate and key, or neither; certificate is missing");
  return {}; // whether they can be read concerns those who start nginx: a pool has no need of them
}

Result<> check_signing_key(const Node& root, const Config& config) {
  if (config.schema1.signing_key_file.empty()) return {};
  return check_readable(root, "compatibility.schema1.signingkeyfile", config.schema1.signing_key_file);
}

// The spool is emptied at start and the run directory is rewritten: none of berth's own may be what holds the images.
Result<> check_directories(const Node& root, const Config& config) {
  const std::string images = config.storage.root + "/docker";
  for (const auto& [path, directory] :
       {std::pair<std::string_view, const std::string&>("berth.spool", config.berth.spool),
        {"berth.rundirectory", config.berth.run_directory},
        {"berth.statedirectory", config.berth.state_directory}}) {
    const Node* node = root.at(path);
    if (config.storage.is_in_bucket()) break;
    if (node && (directory == config.storage.root || directory == images || directory.starts_with(images + "/")))
      return refuse(*node, path, "a directory for berth alone, not the store itself");
  }
  // nginx takes an include below it for a pattern, and one with brackets does not match itself.
  if (config.berth.run_directory.find('[') != std::string::npos)
    return fail(Code::invalid, root.origin + ": berth.rundirectory: \"" + config.berth.run_directory +
                                   "\": allowed is a path without [; it follows from berth.statedirectory, and that "
                                   "from the storage root, unless they are given");
  if (config.berth.spool == config.berth.run_directory)
    return fail(Code::invalid,
                root.origin + ": berth.spool and berth.rundirectory: allowed are two different directories");
  return {};
}

Result<std::string> read_text(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(Code::invalid, path + ": " + std::strerror(errno));
  std::string text;
  std::array<char, 64 * 1024> buffer;
  while (text.size() <= max_text_bytes) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(Code::invalid, path + ": " + std::strerror(errno));
    if (count == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text; // too long a text is refused where it is parsed
}

} // namespace

Result<Loaded> parse(const std::string& text, const std::string& name, const Environment& environment) {
  BERTH_TRY(Node root, parse_yaml(text, name, Origin::file));
  if (!root.is_map()) return fail(Code::invalid, root.origin + ": a config is a map of keys");
  Loaded loaded;
  BERTH_CHECK(check_version(root));
  BERTH_CHECK(apply(environment, root, loaded.warnings));
  for (const char* section : {"storage", "auth"})
    if (Node* node = root.find(section); node && !node->text.empty()) unfold(*node);
  BERTH_CHECK(check_storage(root));
  BERTH_CHECK(check_names(root, "", loaded));
  BERTH_CHECK(read_keys(root, loaded));
  BERTH_CHECK(read_auth(root, loaded.config.auth));
  BERTH_CHECK(read_access(root, loaded.config));
  BERTH_CHECK(read_retention(root, loaded.config));
  BERTH_CHECK(check_lists(root, loaded.config));
  BERTH_CHECK(check_tls(root, loaded.config));
  BERTH_CHECK(check_redis(root, loaded));
  BERTH_CHECK(check_s3(root, loaded.config));
  BERTH_CHECK(check_signing_key(root, loaded.config));
  BERTH_CHECK(fill_defaults(loaded.config));
  BERTH_CHECK(check_directories(root, loaded.config));
  return loaded;
}

Result<Loaded> load(const std::string& path, const Environment& environment) {
  BERTH_TRY(const std::string text, read_text(path));
  return parse(text, path, environment);
}

} // namespace berth::config
