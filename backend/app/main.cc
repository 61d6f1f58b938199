// berth: a container registry behind nginx.
#include <CLI/CLI.hpp> // NOLINT(misc-include-cleaner): the one header that brings CLI::App
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/commands/access.h"
#include "app/commands/commands.h"
#include "app/commands/health.h"
#include "app/commands/maintenance_commands.h"
#include "app/commands/manual.h"
#include "app/commands/passwd.h"
#include "app/commands/retention.h"
#include "app/commands/robot.h"
#include "app/commands/tool_commands.h"
#include "app/pool/allocator.h"
#include "app/version.h"

namespace {

constexpr const char* footer = R"(
CONFIG is a config.yml as docker/distribution's registry takes it; REGISTRY_CONFIGURATION_PATH names it where none is
given, and REGISTRY_* variables override its keys (REGISTRY_HTTP_ADDR=:5001).

Signals of `up`: SIGHUP reloads configuration and certificates; SIGUSR2 lets a new program, that of an upgrade, take the
place of the running one; SIGTERM and Ctrl-C finish what is in progress and stop.

Exit codes: 0 done; 1 failed while running; 2 bad usage or bad configuration.)";

// `berth robot add|list|remove`.
class RobotCommands {
public:
  RobotCommands(CLI::App& app, std::string& config) : config_(config) {
    CLI::App* robot = app.add_subcommand("robot", "Robots of berth.access: programs with a secret of their own");
    robot->require_subcommand(1);
    add_ = robot->add_subcommand("add", "Make a robot, and print its secret this once");
    list_ = robot->add_subcommand("list", "Name the robots");
    remove_ = robot->add_subcommand("remove", "End a robot, and its tokens, at once");
    for (CLI::App* each : {add_, remove_}) each->add_option("NAME", name_, "without robot:")->required();
    for (CLI::App* each : {add_, list_, remove_})
      each->add_option("CONFIG", config, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH")->required();
    add_->add_option("--may", may_, "nothing but this of what the rules let it do: push:team/**; repeatable")
        ->option_text("ACTION:PATTERN")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    add_->add_option("--days", days_, "until it ends; 0: never")->check(CLI::Range(0, 36'500))->capture_default_str();
  }

  // The exit code; nothing if another command was given.
  std::optional<int> run() const {
    if (add_->parsed()) return berth::app::add_robot(config_, name_, may_, days_);
    if (list_->parsed()) return berth::app::list_robots(config_);
    if (remove_->parsed()) return berth::app::remove_robot(config_, name_);
    return std::nullopt;
  }

private:
  const std::string& config_;
  CLI::App *add_, *list_, *remove_;
  std::string name_;
  std::vector<std::string> may_;
  int days_ = berth::app::default_robot_days;
};

// Complains of a word in the place of a command, and names the commands there are.
int complain_of_unknown(const CLI::App& app, const std::vector<std::string>& unknown) {
  const CLI::App* at = &app; // the last command that there was: `robot` in `berth robot ad`
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  std::string names;
  for (const CLI::App* each : at->get_subcommands([](const CLI::App*) { return true; }))
    if (!each->get_group().empty()) names += (names.empty() ? "" : ", ") + each->get_name();
  if (names.empty() || unknown.front().starts_with("-"))
    return app.exit(CLI::ExtrasError(unknown)), berth::app::exit_usage;
  std::fprintf(stderr, "berth: there is no command %s; there are %s (--help says what they do)\n",
               unknown.front().c_str(), names.c_str());
  return berth::app::exit_usage;
}

// Reads the command line. The exit code if that is all there is to do: it is wrong, or asks for help.
std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& error) {
    // A command that is none is a command that is missing, to the library.
    if (const auto unknown = app.remaining(true); !unknown.empty()) return complain_of_unknown(app, unknown);
    return app.exit(error), berth::app::exit_usage;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? berth::app::exit_ok : berth::app::exit_usage;
  }
  return std::nullopt;
}

// `berth manual` and `berth completion`, which packages are made with: not for users, and named in no help.
class PackageCommands {
public:
  explicit PackageCommands(CLI::App& app) : app_(app) {
    manual_ = app.add_subcommand("manual", "Print a page for man: berth.1 or berth-config.5")->group("");
    manual_->add_option("PAGE", what_)->required()->check(CLI::IsMember({"berth.1", "berth-config.5"}));
    completion_ = app.add_subcommand("completion", "Print what completes berth's commands in bash or zsh")->group("");
    completion_->add_option("SHELL", what_)->required()->check(CLI::IsMember({"bash", "zsh"}));
  }

  // The exit code; nothing if another command was given.
  std::optional<int> run() const {
    using namespace berth::app;
    std::string text;
    if (manual_->parsed())
      text = what_ == "berth.1" ? commands_manual(app_, version(), date()) : config_manual(version(), date());
    else if (completion_->parsed())
      text = what_ == "bash" ? bash_completion(app_) : zsh_completion(app_);
    else
      return std::nullopt;
    return std::fputs(text.c_str(), stdout) < 0 ? exit_failure : exit_ok;
  }

private:
  // Today, or when the source is from, where a build says so to be reproducible.
  static std::string date() {
    const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
    const std::time_t time = epoch != nullptr ? std::atoll(epoch) : std::time(nullptr);
    std::tm parts{};
    std::array<char, 16> text{};
    ::gmtime_r(&time, &parts);
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts)};
  }

  CLI::App& app_;
  CLI::App *manual_, *completion_;
  std::string what_;
};

} // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): CLI11 throws only for a table of commands that contradicts itself
int main(int argc, char** argv) {
  berth::app::give_back_large_blocks();
  CLI::App app(
      "berth, a container registry behind nginx: the Docker and OCI registry API over docker/distribution's files.",
      "berth");
  app.set_version_flag("--version", std::string("berth ") + berth::app::version());
  app.require_subcommand(1);
  app.footer(footer);

  std::string config, output, file, user;
  const auto command = [&](const char* name, const char* what) {
    CLI::App* sub = app.add_subcommand(name, what);
    sub->add_option("CONFIG", config, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH")->required();
    return sub;
  };
  CLI::App* up = command("up", "Run the whole registry in the foreground: nginx and the pool");
  CLI::App* serve = command("serve", "Run the FastCGI pool alone");
  berth::app::PoolApi api = berth::app::PoolApi::as_configured;
  const std::map<std::string, berth::app::PoolApi> apis{
      {"both", berth::app::PoolApi::as_configured}, {"v1", berth::app::PoolApi::v1}, {"v2", berth::app::PoolApi::v2}};
  serve->add_option("--api", api, "serve this API alone: v1 or v2; both: as CONFIG says")
      ->transform(CLI::CheckedTransformer(apis))
      ->option_text("API");
  CLI::App* nginx = command("nginx", "Print the nginx fragments that CONFIG implies");
  nginx->add_option("-o,--output", output, "write the whole nginx configuration into this directory instead");
  bool answers_health = false;
  nginx->add_flag("--health", answers_health,
                  "listen on health.sock too, for `berth health`: remove it before a start");
  CLI::App* check = command("check-config", "Check CONFIG without starting anything, nginx's half included");
  CLI::App* access = command("access", "Say what SUBJECT may do with REPOSITORY by CONFIG's rules, and which say so");
  std::vector<std::string> subject; // and the repository
  access
      ->add_option("SUBJECT... REPOSITORY", subject,
                   "who: anyone, NAME or user:NAME, robot:NAME, cert:NAME, "
                   "token:ISSUER CLAIM=VALUE ...; and a repository's name")
      ->required()
      ->expected(2, 64);
  CLI::App* keys = app.add_subcommand("config-keys", "Print every key of CONFIG and what becomes of it, as Markdown");
  CLI::App* passwd = app.add_subcommand("passwd", "Set a user's password in a file for auth.htpasswd");
  passwd->add_option("FILE", file, "made if it is not there")->required();
  passwd->add_option("USER", user, "whose password; it is asked for, or a line of standard input")->required();
  CLI::App* health = app.add_subcommand("health", "Say whether the registry that runs with CONFIG is well");
  health->add_option("CONFIG", config, "config.yml")->envname("REGISTRY_CONFIGURATION_PATH");
  const RobotCommands robot(app, config);
  const PackageCommands package(app);
  const berth::app::MaintenanceCommands maintenance(app, config);
  const berth::app::RetentionCommand retention(app, config);
  const berth::app::ToolCommands tools(app, config);
  if (const auto ended = parse(app, argc, argv)) return *ended;
  if (up->parsed()) return berth::app::up(config);
  if (serve->parsed()) return berth::app::serve(config, api);
  if (nginx->parsed()) return berth::app::nginx(config, output, answers_health);
  if (check->parsed()) return berth::app::check_config(config);
  if (access->parsed()) {
    const std::string repository = subject.back();
    subject.pop_back();
    return berth::app::access(config, subject, repository);
  }
  if (health->parsed()) return berth::app::health(config);
  if (keys->parsed()) return berth::app::config_keys();
  if (passwd->parsed()) return berth::app::passwd(file, user);
  if (const auto code = maintenance.run()) return *code;
  if (const auto code = retention.run()) return *code;
  if (const auto code = tools.run()) return *code;
  return robot.run().or_else([&] { return package.run(); }).value_or(berth::app::exit_usage);
}
