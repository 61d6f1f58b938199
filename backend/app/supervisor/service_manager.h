// What a service manager (systemd, or another that follows sd_notify(3)) is told of `berth up`. Nobody is told where
// NOTIFY_SOCKET names no socket.
// Spec: sd_notify(3).
#pragma once

#include <string>

namespace berth::app::service_manager {

void ready(const std::string& status); // from the first time on, the service counts as started
void reloading();                      // ready() follows, whether the reload is taken or not
void stopping();

} // namespace berth::app::service_manager
