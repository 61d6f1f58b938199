# berth's images. The last is the whole registry, in the place of docker/distribution's:
#
#   docker build -t berth .
#   docker run -p 5000:5000 -v registry:/var/lib/registry berth
#
#   registry   a service of compose/: the pool alone, `berth serve`, for the v1 or the v2 face
#   nginx      a service of compose/: nginx alone
#   berth      `berth up`, under registry:2's command line
#
# With a berth of Debian 12 in prebuilt/berth (stripped) nothing is compiled.

ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
WORKDIR /src
# The license is there so that something is when there is no berth.
COPY LICENSE prebuilt/bert[h] /prebuilt/
RUN [ -e /prebuilt/berth ] || { apt-get update -q && \
        DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        g++ cmake ninja-build pkg-config libfcgi-dev libssl-dev libyaml-cpp-dev libspdlog-dev libcli11-dev \
        nlohmann-json3-dev libre2-dev zlib1g-dev libbz2-dev liblzma-dev \
        libcurl4-openssl-dev libhiredis-dev libldap-dev libpugixml-dev \
    && apt-get clean && rm -rf /var/lib/apt/lists/*; }
COPY CMakeLists.txt ./
COPY backend backend
ARG JOBS=
RUN if [ -e /prebuilt/berth ]; then install -D /prebuilt/berth /build/berth; else \
        cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF \
            -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -DNDEBUG" \
        && cmake --build /build -j "${JOBS:-$(nproc)}" --target berth \
        && strip /build/berth; fi

# What all of them have. User 5000 is who serves (docs/decisions/0001), but any other may be told to: so the store is
# everybody's until something is in it, as that of the database images is.
FROM ${DEBIAN} AS programs
RUN apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        libfcgi0ldbl libfcgi-bin libssl3 libyaml-cpp0.7 libspdlog1.10 libre2-9 zlib1g libbz2-1.0 liblzma5 \
        libcurl4 libhiredis0.14 libldap-2.5-0 libpugixml1v5 ca-certificates nginx \
    && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt \
    && groupadd --system --gid 5000 berth \
    && useradd --system --uid 5000 --gid berth --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin berth \
    && install -d -o berth -g berth -m 1777 /var/lib/registry \
    && install -d -o berth -g berth /etc/berth/certs
COPY config/container.yml /etc/berth/config.yml
COPY nginx /usr/local/share/berth/nginx
COPY --from=build /build/berth /usr/local/bin/berth
EXPOSE 5000

FROM programs AS services
RUN install -d -o berth -g berth /run/berth /run/berth/sockets
COPY compose/entrypoint compose/health /usr/local/bin/
# What the services share, whatever config.yml says: variables outweigh it. The spool is in the store's volume, so that
# an upload is moved there and not copied; the sockets are in a volume of their own.
ENV REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=/var/lib/registry \
    REGISTRY_BERTH_SPOOL=/var/lib/registry/berth/spool \
    REGISTRY_BERTH_RUNDIRECTORY=/run/berth \
    REGISTRY_BERTH_SOCKET=/run/berth/sockets/v2.sock \
    REGISTRY_BERTH_V1_SOCKET=/run/berth/sockets/v1.sock
VOLUME /var/lib/registry /run/berth/sockets
USER berth

FROM services AS registry
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["health", "v2"]
ENTRYPOINT ["berth"]
CMD ["serve", "--api", "v2", "/etc/berth/config.yml"]

FROM services AS nginx
# Requests in progress are finished.
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["health", "nginx"]
ENTRYPOINT ["entrypoint"]
CMD ["/etc/berth/config.yml"]

FROM programs AS berth
COPY image/registry /usr/bin/registry
COPY image/entrypoint.sh /entrypoint.sh
COPY config/container.yml /etc/docker/registry/config.yml
COPY config/container.yml /etc/distribution/config.yml
# In a volume, so that it is there when the root is read-only; and not in the store, which may be on a file system that
# has no sockets.
RUN install -d -m 777 /run/berth
ENV REGISTRY_BERTH_RUNDIRECTORY=/run/berth/up
VOLUME /var/lib/registry /run/berth
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["berth", "health"]
ENTRYPOINT ["/entrypoint.sh"]
CMD []
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=
LABEL org.opencontainers.image.title="berth" \
      org.opencontainers.image.description="A container registry behind nginx, in the place of docker/distribution's" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
