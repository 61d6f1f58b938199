// `berth robot`: the robots of berth.access, in the file that berth.access.robots names. The registry, which may be
// running, sees a change at once. Each command returns the process's exit code.
#pragma once

#include <string>
#include <vector>

namespace berth::app {

inline constexpr int default_robot_days = 365;

// Makes a robot and prints its name and its secret, which is nowhere else. may: each ACTION:PATTERN; empty: whatever
// the rules let it do. days: until it ends; 0: never.
int add_robot(const std::string& config_path, const std::string& name, const std::vector<std::string>& may, int days);
int list_robots(const std::string& config_path);
int remove_robot(const std::string& config_path, const std::string& name);

} // namespace berth::app
