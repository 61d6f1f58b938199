#include "driver/s3/xml.h"

#include <pugixml.hpp>

#include <algorithm>
#include <sstream>

namespace berth::driver::s3 {
namespace {

constexpr std::size_t max_message_bytes = 200;

bool load(pugi::xml_document& document, std::string_view text) {
  return static_cast<bool>(document.load_buffer(text.data(), text.size()));
}

std::unexpected<Error> not_understood(const char* what) {
  return fail(Code::corrupt, std::string("the object store's answer is no ") + what);
}

// For a log: without what could break a line.
std::string shown(std::string text) {
  if (text.size() > max_message_bytes) text.resize(max_message_bytes);
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

std::string text_of(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw);
  return std::move(out).str();
}

} // namespace

Failure parse_failure(std::string_view text) {
  pugi::xml_document document;
  if (text.empty() || !load(document, text)) return {};
  const pugi::xml_node error = document.child("Error");
  return {shown(error.child_value("Code")), shown(error.child_value("Message")), shown(error.child_value("Region"))};
}

Result<Listing> parse_listing(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text)) return not_understood("list");
  const pugi::xml_node list = document.child("ListBucketResult");
  if (!list) return not_understood("list");
  Listing listing;
  for (const pugi::xml_node object : list.children("Contents")) listing.keys.emplace_back(object.child_value("Key"));
  for (const pugi::xml_node below : list.children("CommonPrefixes"))
    listing.prefixes.emplace_back(below.child_value("Prefix"));
  if (list.child("IsTruncated").text().as_bool()) {
    listing.next = list.child_value("NextContinuationToken");
    if (listing.next.empty()) return not_understood("list in pages");
  }
  return listing;
}

Result<std::string> parse_upload_id(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text)) return not_understood("upload");
  std::string id = document.child("InitiateMultipartUploadResult").child_value("UploadId");
  if (id.empty()) return not_understood("upload");
  return id;
}

Result<std::string> parse_copied_etag(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text)) return not_understood("copy");
  std::string etag = document.child("CopyPartResult").child_value("ETag");
  if (etag.empty()) return not_understood("copy");
  return etag;
}

Result<Undeleted> parse_undeleted(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text)) return not_understood("deletion");
  const pugi::xml_node result = document.child("DeleteResult");
  if (!result) return not_understood("deletion");
  Undeleted undeleted;
  for (const pugi::xml_node error : result.children("Error")) {
    const std::string code = shown(error.child_value("Code"));
    if (code == "NoSuchKey") continue;
    if (undeleted.code.empty()) undeleted.code = code;
    undeleted.keys.emplace_back(error.child_value("Key"));
  }
  return undeleted;
}

std::string deletion_of(const std::vector<std::string>& keys) {
  pugi::xml_document document;
  pugi::xml_node all = document.append_child("Delete");
  all.append_child("Quiet").text().set("true");
  for (const std::string& key : keys) all.append_child("Object").append_child("Key").text().set(key.c_str());
  return text_of(document);
}

std::string completion_of(const std::vector<std::string>& etags) {
  pugi::xml_document document;
  pugi::xml_node all = document.append_child("CompleteMultipartUpload");
  unsigned number = 0;
  for (const std::string& etag : etags) {
    pugi::xml_node part = all.append_child("Part");
    part.append_child("PartNumber").text().set(++number);
    part.append_child("ETag").text().set(etag.c_str());
  }
  return text_of(document);
}

} // namespace berth::driver::s3
