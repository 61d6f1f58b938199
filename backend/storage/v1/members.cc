#include "storage/v1/members.h"

#include "storage/blobs/link_set.h"
#include "storage/paths.h"

namespace berth::storage {

Result<> V1Members::walk(const model::ImageId& id, const std::string& name, std::vector<Member>& members) {
  const std::string directory = paths::v1_repositories(id) + (name.empty() ? "" : "/" + name);
  const auto children = driver::names_in(driver_, directory);
  if (!children && is(children.error(), Code::not_found)) return {};
  if (!children) return std::unexpected(children.error());
  for (const std::string& child : *children) {
    if (members.size() == max_members) return {};
    if (child != paths::v1_member_file) {
      BERTH_CHECK(walk(id, name.empty() ? child : name + "/" + child, members));
      continue;
    }
    const auto repository = model::RepositoryName::parse(name);
    const auto manifest = read_link(driver_, directory + "/" + child);
    if (repository && manifest) members.emplace_back(*repository, *manifest); // rubbish counts as none
  }
  return {};
}

Result<std::vector<V1Members::Member>> V1Members::of(const model::ImageId& id) {
  std::vector<Member> members;
  BERTH_CHECK(walk(id, "", members));
  return members;
}

driver::PutFile V1Members::file(const model::ImageId& id, const Member& member) {
  return link_file(driver_, paths::v1_member(id, member.first), member.second);
}

Result<> V1Members::note(const model::ImageId& id, const Member& member) {
  const std::string path = paths::v1_member(id, member.first);
  if (const auto existing = read_link(driver_, path); existing && *existing == member.second) return {};
  return driver_.put_scratch(path, member.second.str());
}

} // namespace berth::storage
