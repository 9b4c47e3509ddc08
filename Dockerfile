# The service, with the provider simulator beside it.
#
#   docker build -t millrace .                          the image
#   docker build --target symbols -o symbols .          the debug symbols of its programs, for gdb and perf

FROM swift:6.3-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      libcurl4-openssl-dev libpq-dev librabbitmq-dev libsqlite3-dev libssl-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src

# A layer of their own for the dependencies: a change of the sources does not fetch them again. The pattern lets the
# build do without a Package.resolved.
COPY Package.swift Package.resolve[d] ./
RUN swift package resolve

# The package's description names its tests, so they have to be there; they are not built.
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product millrace \
 && swift build -c release --static-swift-stdlib --product provider-simulator

RUN mkdir -p /out/bin /out/symbols \
 && built=$(swift build -c release --static-swift-stdlib --show-bin-path) \
 && for program in millrace provider-simulator; do \
      objcopy --only-keep-debug "$built/$program" "/out/symbols/$program.debug" \
      && strip --strip-all -o "/out/bin/$program" "$built/$program" \
      && objcopy --add-gnu-debuglink="/out/symbols/$program.debug" "/out/bin/$program" \
      || exit 1; \
    done


FROM scratch AS symbols
COPY --from=build /out/symbols /


FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates libcurl4 libpq5 librabbitmq4 libsqlite3-0 libssl3 libstdc++6 zlib1g \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/* \
 && groupadd --gid 10001 millrace \
 && useradd --uid 10001 --gid millrace --no-log-init --no-create-home --home-dir /var/lib/millrace \
      --shell /usr/sbin/nologin millrace \
 && install -d -o millrace -g millrace -m 0750 /var/lib/millrace
COPY Deploy/lib/probe /usr/local/bin/
COPY --from=build /out/bin/ /usr/local/bin/

# The allocator keeps an arena for each of many threads unless it is told not to.
# The loopback of a container is out of reach for probes and for Prometheus, so /healthz, /readyz and /metrics are
# served on 9465 too, unless the configuration says otherwise. Port 9464 has everything; it stays on loopback until
# admin.listen and admin.token are set.
ENV MALLOC_ARENA_MAX=2 \
    MILLRACE_HEALTH_LISTEN=0.0.0.0:9465
USER 10001:10001
WORKDIR /var/lib/millrace
VOLUME /var/lib/millrace
EXPOSE 9464 9465
STOPSIGNAL SIGTERM
ENTRYPOINT ["millrace"]
CMD ["serve"]

# Last, since they change most often.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Millrace" \
      org.opencontainers.image.description="Turns a RabbitMQ queue of LLM requests into provider batches, and publishes every answer." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
