#include "app/commands/retention_report.h"

#include <nlohmann/json.hpp>

#include <cstdio>

#include "app/commands/human.h"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string counted(std::uint64_t number, const std::string& one, const std::string& many) {
  return grouped(number) + " " + (number == 1 ? one : many);
}

std::string json_of(const storage::Judged& judged) {
  Json line{
      {"repository", judged.repository.str()}, {"tag", judged.facts.tag.str()}, {"digest", judged.facts.digest.str()}};
  if (judged.facts.pushed) line["pushed"] = to_rfc3339(*judged.facts.pushed);
  if (judged.facts.pulled) line["pulled"] = to_rfc3339(*judged.facts.pulled);
  line["policy"] = judged.policy;
  line["kept"] = judged.verdict.kept || judged.is_stopped;
  line["why"] = (judged.is_stopped ? "limit: " : "") + judged.verdict.why;
  return dump(line);
}

std::string text_of(const storage::Judged& judged, bool dry_run) {
  const storage::TagFacts& facts = judged.facts;
  std::string text = judged.repository.str() + ":" + facts.tag.str() + " " + facts.digest.str();
  if (facts.pushed) text += ", pushed " + to_rfc3339(*facts.pushed);
  if (facts.pulled) text += ", pulled " + to_rfc3339(*facts.pulled);
  if (judged.verdict.kept)
    text += ": kept: ";
  else if (judged.is_stopped)
    text += ": kept by the limit: ";
  else
    text += dry_run ? ": would be deleted: " : ": deleted: ";
  if (!judged.verdict.kept) text += "policies[" + std::to_string(judged.policy) + "]: ";
  return text + judged.verdict.why;
}

} // namespace

void RetentionReport::line(const std::string& text) const {
  progress_.aside([&] { std::puts(text.c_str()); });
}

void RetentionReport::complain(const std::string& text) const {
  progress_.aside([&] { std::fprintf(stderr, "berth: %s\n", text.c_str()); });
}

void RetentionReport::tag(const storage::Judged& judged) {
  if (!form_.quiet) line(form_.json ? json_of(judged) : text_of(judged, form_.dry_run));
}

void RetentionReport::stopped(const model::RepositoryName& name, std::size_t removed, std::size_t all) {
  complain(name.str() + ": " + grouped(removed) + " of its " + grouped(all) +
           " tags were to go, which is more than berth.retention.limit, " + std::to_string(form_.limit) +
           "%: none is deleted (--force: whatever it says)");
}

void RetentionReport::passed_by(const storage::Removal& what) {
  complain(what.repository.str() + ":" + what.tag->str() + " is not deleted: it was pushed, or deleted, meanwhile");
}

void RetentionReport::failed(const std::string& what, const Error& why) {
  complain(what + ": " + (why.message.empty() ? why.detail : why.message));
}

void RetentionReport::print(const storage::Retained& sums) {
  const std::uint64_t gone = form_.dry_run ? sums.to_go : sums.removed;
  if (form_.json)
    return line(dump({{"repositories", sums.repositories},
                      {"tags", sums.tags},
                      {"deleted", gone},
                      {"stopped", sums.stopped},
                      {"failed", sums.failed},
                      {"dryRun", form_.dry_run}}));
  std::string text = counted(sums.repositories, "repository", "repositories") + ", " +
                     counted(sums.tags, "tag", "tags") + ": " + grouped(gone) +
                     (form_.dry_run ? " would be deleted" : " deleted");
  if (sums.stopped > 0) text += "; " + counted(sums.stopped, "repository", "repositories") + " untouched, by the limit";
  line(text);
}

} // namespace berth::app
