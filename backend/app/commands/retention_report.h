// RetentionReport: what `berth retention` says of each tag, on stdout, and of what stopped or failed, on stderr.
// Threads: one at a time. Borrows: progress.
#pragma once

#include <string>

#include "app/commands/progress.h"
#include "storage/retention/retain.h"

namespace berth::app {

class RetentionReport final : public storage::RetentionListener {
public:
  struct Form {
    bool json = false;    // a JSON object a line
    bool quiet = false;   // no line for each tag
    bool dry_run = false; // what is said would be done
    unsigned limit = 0;   // percent
  };
  RetentionReport(Form form, Progress& progress) : form_(form), progress_(progress) {}

  void repository(const model::RepositoryName&) override { progress_.advance(); }
  void tag(const storage::Judged& judged) override;
  void stopped(const model::RepositoryName& name, std::size_t removed, std::size_t all) override;
  void passed_by(const storage::Removal& what) override;
  void failed(const std::string& what, const Error& why) override;

  void print(const storage::Retained& sums);

private:
  void line(const std::string& text) const;
  void complain(const std::string& text) const;

  const Form form_;
  Progress& progress_;
};

} // namespace berth::app
