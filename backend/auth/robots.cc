#include "auth/robots.h"

#include <openssl/crypto.h>
#include <zlib.h>

#include <array>

#include "auth/rules.h"
#include "base/encoding.h"
#include "base/small_file.h"
#include "model/digest.h"
#include "model/jose_base64.h"
#include "model/names.h"
#include "model/strict_json.h"

namespace berth::auth {
namespace {

using model::Json;

constexpr std::size_t max_bytes = 16 * 1024 * 1024;
constexpr std::string_view kind = "robot", secret_prefix = "berth_";
constexpr std::size_t secret_bytes = 32, secret_letters = 43, check_letters = 6;
constexpr std::size_t hash_letters = 64, stamp_letters = 32;

std::string sha256_hex(std::string_view text) { return std::string(model::CanonicalDigest::of_bytes(text).hex()); }

std::string check_of(std::string_view text) {
  const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(crc >> shift & 0xff);
  return model::to_jose_base64(bytes);
}

std::string stamp_of(std::string_view name, const Robot& robot) {
  std::string text = "berth robot stamp\n" + std::string(name) + "\n" + robot.hash + "\n" +
                     std::to_string(robot.expires.time_since_epoch().count());
  for (const Bound& bound : robot.may) text += "\n" + bound.action + ":" + bound.repository;
  return sha256_hex(text).substr(0, stamp_letters);
}

Caller caller_of(std::string_view name, const Robot& robot) {
  Caller caller{std::string(kind) + ":" + std::string(name), stamp_of(name, robot), Caller::Kind::robot};
  caller.bounds = robot.may;
  return caller;
}

std::unexpected<Error> wrong(const std::string& what) { return fail(Code::invalid, what); }

Result<std::pair<std::string, Robot>> read_robot(const Json& json) {
  if (!json.is_object()) return wrong("a robot is no object");
  Robot robot;
  const auto name = model::string_member(json, "name"), hash = model::string_member(json, "sha256"),
             created = model::string_member(json, "created"), expires = model::string_member(json, "expires");
  const auto may = model::strings_member(json, "may");
  if (!name || !check_robot_name(*name)) return wrong("a robot has no name");
  if (!hash || hash->size() != hash_letters || hash->find_first_not_of("0123456789abcdef") != std::string::npos)
    return wrong("robot " + *name + " has no sha256 of 64 hexadecimal digits");
  if (!created || !expires || !may) return wrong("robot " + *name + ": created, expires or may has another form");
  robot.hash = *hash;
  const auto begins = parse_rfc3339(*created);
  if (!begins) return wrong("robot " + *name + ": created is no time");
  robot.created = *begins;
  robot.expires = Time::max();
  if (!expires->empty()) {
    const auto ends = parse_rfc3339(*expires);
    if (!ends) return wrong("robot " + *name + ": expires is no time");
    robot.expires = *ends;
  }
  for (const std::string& text : *may) {
    auto bound = parse_bound(text);
    if (!bound) return wrong("robot " + *name + ": may: " + bound.error().message);
    robot.may.push_back(*std::move(bound));
  }
  return std::pair(*name, std::move(robot));
}

} // namespace

Result<> check_robot_name(std::string_view name) {
  if (model::RepositoryName::parse(name) && name.find('/') == std::string_view::npos) return {};
  return wrong("the name of a robot is one component of a repository's: lower-case letters and digits, with . _ or - "
               "between them");
}

Result<Bound> parse_bound(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return wrong("\"" + std::string(text) + "\": allowed is ACTION:PATTERN");
  Bound bound{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
  WrittenRules as_rule; // the grammar is that of rules
  as_rule.rules.push_back({std::string(text), "robot:any", {bound.repository}, {bound.action}});
  BERTH_CHECK(Rules::make(as_rule));
  return bound;
}

Result<Robots> parse_robots(std::string_view text) {
  const auto json = model::parse_json(text, model::Duplicates::refused);
  if (!json) return wrong(json.error().detail);
  const auto list = json->find("robots");
  if (list == json->end() || !list->is_array()) return wrong("it has no list of robots");
  Robots robots;
  for (const Json& each : *list) {
    BERTH_TRY(auto robot, read_robot(each));
    if (!robots.insert(std::move(robot)).second) return wrong("two robots have one name");
  }
  return robots;
}

std::string robots_text(const Robots& robots) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [name, robot] : robots) {
    nlohmann::ordered_json one{{"name", name}, {"sha256", robot.hash}, {"created", to_rfc3339(robot.created)}};
    if (robot.expires != Time::max()) one["expires"] = to_rfc3339(robot.expires);
    for (const Bound& bound : robot.may) one["may"].push_back(bound.action + ":" + bound.repository);
    list.push_back(std::move(one));
  }
  return nlohmann::ordered_json{{"robots", std::move(list)}}.dump(2) + "\n";
}

Result<Robots> read_robots(const std::string& path) {
  const auto text = read_small_file(path, max_bytes);
  if (!text && is(text.error(), Code::not_found)) return Robots{};
  if (!text) return std::unexpected(text.error());
  return parse_robots(*text);
}

std::string make_robot_secret(Random& random) {
  std::array<std::byte, secret_bytes> bytes;
  random.fill(bytes);
  const std::string letters = model::to_jose_base64(as_text(bytes));
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return std::string(secret_prefix) + letters + "_" + check_of(letters);
}

bool is_robot_secret(std::string_view text) {
  if (!text.starts_with(secret_prefix) || text.size() != secret_prefix.size() + secret_letters + 1 + check_letters)
    return false;
  const std::string_view letters = text.substr(secret_prefix.size(), secret_letters);
  return text[secret_prefix.size() + secret_letters] == '_' && text.ends_with(check_of(letters));
}

std::string robot_hash(std::string_view secret) { return sha256_hex(secret); }

Result<std::unique_ptr<RobotSource>> RobotSource::make(const std::string& path, const Clock& clock, Logger& logger) {
  auto file = Reread<Robots>::open({
      .paths = {path},
      .read = [path] { return read_robots(path); },
      .refused =
          [path, &logger](const Error& why) {
            logger.error("the file of robots is not taken; those that it had stay in force",
                         {{"path", path}, {"error", why.message}});
          },
      .changed =
          [path, &logger](const Robots& robots) {
            logger.info("the file of robots has changed", {{"path", path}, {"robots", std::to_string(robots.size())}});
          },
  });
  if (!file) return fail(Code::invalid, "berth.access.robots: \"" + path + "\": " + file.error().message);
  return std::unique_ptr<RobotSource>(new RobotSource(*std::move(file), clock));
}

std::optional<Result<Caller>> RobotSource::identify(const Login& login) {
  std::string_view name = login.user, secret = login.password;
  if (name == kind) { // as Basic has it
    const std::size_t colon = secret.find(':');
    if (colon == std::string_view::npos) return std::nullopt; // a user may be called so
    name = secret.substr(0, colon);
    secret.remove_prefix(colon + 1);
  } else if (name.starts_with(kind) && name.substr(kind.size()).starts_with(':')) {
    name.remove_prefix(kind.size() + 1);
  } else {
    return std::nullopt;
  }
  if (!is_robot_secret(secret))
    return login.user == kind ? std::nullopt : std::optional(Result<Caller>(fail(Code::unauthorized)));
  const auto robots = file_->current();
  const auto found = robots->find(name);
  if (found == robots->end()) return fail(Code::unauthorized);
  const auto& [known, robot] = *found;
  const std::string hash = robot_hash(secret);
  if (CRYPTO_memcmp(hash.data(), robot.hash.data(), hash.size()) != 0 || clock_.now() >= robot.expires)
    return fail(Code::unauthorized);
  return caller_of(known, robot);
}

std::optional<bool> RobotSource::is_current(const Caller& caller) {
  if (caller.kind != Caller::Kind::robot) return std::nullopt;
  const auto robots = file_->current();
  const auto found = robots->find(std::string_view(caller.user).substr(std::min(kind.size() + 1, caller.user.size())));
  return found != robots->end() && clock_.now() < found->second.expires &&
         stamp_of(found->first, found->second) == caller.stamp;
}

} // namespace berth::auth
