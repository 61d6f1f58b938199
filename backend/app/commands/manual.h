// What packages ship of the command line: manual pages, and completions of shells. All of it is made from the tables
// that the program itself goes by: the commands of the CLI::App, and config::keys().
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace berth::app {

// berth(1), for man: every command of app with its options, and app's footer. date: YYYY-MM-DD.
std::string commands_manual(const CLI::App& app, const std::string& version, const std::string& date);
// berth-config(5): every key of config.yml.
std::string config_manual(const std::string& version, const std::string& date);

// Scripts that complete commands and options of app, and names of files.
std::string bash_completion(const CLI::App& app);
std::string zsh_completion(const CLI::App& app);

} // namespace berth::app
