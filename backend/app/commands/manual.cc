#include "app/commands/manual.h"

#include <CLI/CLI.hpp> // NOLINT(misc-include-cleaner): the one header that brings CLI::App
#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "config/keys.h"

namespace berth::app {
namespace {

constexpr std::size_t line_width = 76; // of the source of a page; what is longer is a fault to its readers

// A word as roff reads it: a hyphen that is typed is a minus.
std::string roff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
  }
  return result;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }

// A text in lines; what stands between backticks is bold.
std::string prose(std::string_view text) {
  std::string result, current;
  bool quoted = false;
  const auto end_line = [&] {
    if (current.empty()) return;
    if (current.front() == '.' || current.front() == '\'') current.insert(0, "\\&");
    result += current + "\n";
    current.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    at = std::min(text.find_first_not_of(" \n", at), text.size());
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    if (at == end) break;
    std::string word;
    for (const char c : text.substr(at, end - at)) {
      if (c != '`')
        word += roff(std::string_view(&c, 1));
      else
        word += (quoted = !quoted) ? "\\fB" : "\\fR";
    }
    if (!current.empty() && current.size() + 1 + word.size() > line_width) end_line();
    current += (current.empty() ? "" : " ") + word;
    at = end;
  }
  end_line();
  return result;
}

// The paragraphs of a text, which empty lines part.
std::string paragraphs(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("\n\n", at), text.size());
    const std::string paragraph = prose(text.substr(at, end - at));
    if (!paragraph.empty()) result += (result.empty() ? "" : ".PP\n") + paragraph;
    at = end + 2;
  }
  return result;
}

std::string title(const std::string& name, int section, const std::string& version, const std::string& date) {
  std::string upper = name;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return ".TH " + roff(upper) + " " + std::to_string(section) + " " + date + " \"berth " + version + "\" berth\n";
}

// The commands that users see. Not those that only make this page.
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional) {
  return app.get_options([&](const CLI::Option* option) {
    return option->get_positional() == positional && option->get_name(false, true) != "-h,--help";
  });
}

// "-o, --output": the names of an option; "CONFIG" of a positional.
std::string names_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true, false);
  std::string names = option.get_name(false, true);
  for (std::size_t at = 0; (at = names.find(',', at)) != std::string::npos; at += 2) names.replace(at, 1, ", ");
  return names;
}

// What stands for an option's value: nothing for a flag.
std::string value_of(const CLI::Option& option) {
  if (option.get_positional() || option.get_type_size() == 0) return {};
  if (!option.get_option_text().empty()) return option.get_option_text();
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

std::string item(const CLI::Option& option) {
  const std::string value = value_of(option);
  std::string text = ".TP\n" + bold(names_of(option)) + (value.empty() ? "" : " " + roff(value)) + "\n";
  std::string says = option.get_description();
  if (!option.get_envname().empty()) says += "; default: `$" + option.get_envname() + "`";
  if (!option.get_default_str().empty()) says += "; default: " + option.get_default_str();
  return text + prose(says);
}

// A command, and those below it.
std::string commands(const CLI::App& app, const std::string& called) {
  std::string page;
  for (const CLI::App* sub : commands_of(app)) {
    const std::string name = called + " " + sub->get_name();
    if (!commands_of(*sub).empty()) {
      page += commands(*sub, name);
      continue;
    }
    std::string usage = bold(name);
    for (const CLI::Option* option : options_of(*sub, false)) {
      std::string longest = option->get_name(false, true);
      longest = longest.substr(longest.rfind(',') + 1);
      const std::string value = value_of(*option);
      usage += " [" + bold(longest) + (value.empty() ? "" : " " + roff(value)) + "]";
    }
    for (const CLI::Option* option : options_of(*sub, true)) usage += " " + roff(names_of(*option));
    page +=
        ".SS " + roff(name.substr(name.find(' ') + 1)) + "\n" + usage + "\n.PP\n" + prose(sub->get_description() + ".");
    for (const bool positional : {true, false})
      for (const CLI::Option* option : options_of(*sub, positional)) page += item(*option);
  }
  return page;
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

// The words that may follow a command: its commands, or its options.
std::string words_after(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* sub : commands_of(app)) words.push_back(sub->get_name());
  for (const CLI::Option* option : app.get_options()) {
    std::string names = option->get_name(false, true);
    std::ranges::replace(names, ',', ' ');
    if (!option->get_positional()) words.push_back(std::move(names));
  }
  return joined(words);
}

// Branches of a shell's `case`, by the commands that have been typed.
std::string completion_cases(const CLI::App& app, const std::string& typed, std::string_view before,
                             std::string_view after) {
  std::string cases = "    \"" + typed + "\")" + std::string(before) + words_after(app) + std::string(after) + " ;;\n";
  for (const CLI::App* sub : commands_of(app))
    cases += completion_cases(*sub, typed + " " + sub->get_name(), before, after);
  return cases;
}

// All that are named, so that a word is known for a command of that name only where it may stand.
std::string command_names(const CLI::App& app, const std::string& typed) {
  std::string names;
  for (const CLI::App* sub : commands_of(app)) {
    const std::string name = typed + " " + sub->get_name();
    names += (names.empty() ? "\"" : " | \"") + name + "\"";
    if (const std::string below = command_names(*sub, name); !below.empty()) names += " | " + below;
  }
  return names;
}

} // namespace

std::string commands_manual(const CLI::App& app, const std::string& version, const std::string& date) {
  std::string page = title("berth", 1, version, date) + ".SH NAME\nberth \\- a container registry behind nginx\n" +
                     ".SH SYNOPSIS\n" + bold("berth") + " COMMAND [OPTIONS] CONFIG\n.SH DESCRIPTION\n";
  page += prose(app.get_description()) + ".PP\n" + paragraphs(app.get_footer());
  page += ".SH OPTIONS\n";
  for (const CLI::Option* option : options_of(app, false)) page += item(*option);
  page += item(*app.get_help_ptr());
  page += ".SH COMMANDS\n" + commands(app, "berth");
  page += ".SH FILES\n.TP\n.I /etc/berth/config.yml\n" + prose("The configuration of the service `berth`.");
  return page + ".SH SEE ALSO\n.BR berth\\-config (5),\n.BR nginx (8)\n";
}

std::string config_manual(const std::string& version, const std::string& date) {
  std::string page = title("berth-config", 5, version, date) +
                     ".SH NAME\nberth\\-config \\- the keys of berth's config.yml\n.SH DESCRIPTION\n";
  page += prose("The file is YAML, as docker/distribution's registry takes it. Here the path of a key is written with "
                "dots: `http.addr` is `addr` in the section `http`. `[]` stands for each element of a list. A key "
                "without a value keeps its default. A variable overrides a key: `REGISTRY_` and the path in capitals, "
                "joined by `_`, as REGISTRY_STORAGE_DELETE_ENABLED=true.");
  page += ".SH KEYS\n";
  for (const config::Key& key : config::keys()) {
    const bool works = key.standing == config::Standing::works || key.standing == config::Standing::nginx;
    const std::string doc(key.doc);
    page += ".TP\n" + bold(key.path) + "\n" +
            prose(works ? doc : "(" + std::string(config::word_for(key.standing)) + ") " + doc);
  }
  return page + ".SH SEE ALSO\n.BR berth (1)\n";
}

std::string bash_completion(const CLI::App& app) {
  return R"(# bash completion of berth, made by `berth completion bash`
_berth() {
  local typed= word words
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$typed $word" in
    )" + command_names(app, "") +
         R"() typed="$typed $word" ;;
    esac
  done
  case "$typed" in
)" + completion_cases(app, "", " words=\"", "\"") +
         R"(  esac
  # Options where one begins; commands where there are some; names of files elsewhere.
  if [[ ${COMP_WORDS[COMP_CWORD]} == -* || $words != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}
complete -o filenames -F _berth berth
)";
}

std::string zsh_completion(const CLI::App& app) {
  return R"(#compdef berth
# zsh completion of berth, made by `berth completion zsh`
local typed= word
local -a words_here
for word in "${(@)words[2,CURRENT-1]}"; do
  case "$typed $word" in
    )" + command_names(app, "") +
         R"() typed="$typed $word" ;;
  esac
done
case "$typed" in
)" + completion_cases(app, "", " words_here=(", ")") +
         R"(esac
if [[ $PREFIX == -* || $words_here[1] != -* ]]; then
  compadd -- $words_here
else
  _files
fi
)";
}

} // namespace berth::app
