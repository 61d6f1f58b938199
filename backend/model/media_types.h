// The media types that berth tells apart. Spec: docker image-spec v1/v2, OCI image-spec "Media Types".
#pragma once

#include <string_view>

namespace berth::model::media {

inline constexpr std::string_view octet_stream = "application/octet-stream";

inline constexpr std::string_view docker_schema1 = "application/vnd.docker.distribution.manifest.v1+json";
inline constexpr std::string_view docker_schema1_signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";

inline constexpr std::string_view docker_image_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_plugin_config = "application/vnd.docker.plugin.v1+json";
inline constexpr std::string_view docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view docker_layer_gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view docker_schema1_layer = "application/vnd.docker.container.image.rootfs.diff+x-gtar";
inline constexpr std::string_view docker_foreign_layer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

inline constexpr std::string_view oci_image_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view oci_layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";

} // namespace berth::model::media
