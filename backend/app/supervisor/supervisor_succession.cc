#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "app/nginx/tree.h"
#include "app/supervisor/limits.h"
#include "app/supervisor/listen_socket.h"
#include "app/supervisor/service_manager.h"
#include "app/supervisor/supervision.h"

namespace berth::app {

// Takes the place of the program before: what that one has made and started is there, and runs.
Result<> Supervisor::resume(const Succession& told) {
  BERTH_CHECK(become_the_user());
  BERTH_CHECK(check_limits(config_, account_, *logger_));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  places_ = {UniqueFd(told.run_lock), UniqueFd(told.spool_lock), UniqueFd(told.pool_socket),
             name_of_socket(config_.berth.socket)};
  BERTH_TRY(NginxSettings settings, nginx_settings());
  nginx_process_ =
      NginxProcess::resume(std::move(settings), config_.berth.run_directory, source_.instance, told.nginx_process);
  auto pulls = share_answers_of(UniqueFd(told.pulls));
  if (!pulls) {
    logger_->warn(pulls.error().message + ": what nginx sends by itself is not counted until the next start");
    pulls = share_answers();
  }
  BERTH_TRY(pulls_, std::move(pulls));
  nginx_.pid = told.nginx;
  pool_.pid = told.pool;
  pool_.nginx_before.pull_gate = told.pull_gate;
  for (ChildProcess* child : {&nginx_, &pool_}) child->started = std::chrono::steady_clock::now();
  retiring_pools_ = told.retiring_pools;
  announced_ = reload_wanted_ = true;
  logger_->info("took the place of the program before; reloading");
  return reap(); // who ended meanwhile
}

// The new program must like the configuration, and the places in it be the same: once it is there, there is no way
// back. Returns only what is wrong.
Result<> Supervisor::try_succession() {
  config::Loaded loaded;
  {
    const AsRoot read;
    BERTH_TRY(loaded, source_.load());
  }
  BERTH_CHECK(same_places(config_, loaded.config));
  const auto as_before = [&] { return !keeps_root() || ::seteuid(0) == 0; }; // as this program was started
  BERTH_TRY(const Output check, output_of([&] {
              nginx_process_->sockets().hand_on();
              return as_before() ? execute({program_, "check-config", source_.file}, ".") : exit_cannot_execute;
            }));
  if (check.status != 0)
    return fail(Code::invalid, program_ + " check-config " + describe_status(check.status) + ": " + check.text);
  const Succession told{nginx_.pid,
                        pool_.pid,
                        retiring_pools_,
                        pool_.nginx_before.pull_gate,
                        source_.instance,
                        places_.lock.get(),
                        places_.spool_lock.get(),
                        places_.socket.get(),
                        pulls_.get_deleter().file,
                        nginx_process_->kept()};
  const AsRoot as_started;
  return succeed(program_, source_.file, told);
}

void Supervisor::succeed_if_due() {
  if (!succession_wanted_ || !announced_ || reload_ || nginx_.pid <= 0 || pool_.pid <= 0) return;
  succession_wanted_ = false;
  logger_->info("another program takes this one's place", {{"program", program_}});
  service_manager::reloading();
  const std::string why = try_succession().error().message;
  logger_->error("not replaced: " + why);
  service_manager::ready("not replaced: " + why);
}

} // namespace berth::app
