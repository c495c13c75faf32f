# The steps are those of `.ci/run`, which proves them without Docker: build the wheel, make a
# virtual environment, install what is needed by its hashes, then the wheel, run `dsync`.
#
#   docker build -t dsync .                                     all extras but Parquet
#   docker build --target parquet -t dsync:latest-parquet .     the same with Parquet, 150 MB more
#
# Written to: /data, which is a volume, and /tmp. All else may be read-only.

# Of the repository docker-library/repo-info: the index of all architectures of python:3.11.15-slim-trixie.
ARG PYTHON=python:3.11.15-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff

FROM ${PYTHON} AS build
WORKDIR /source
COPY . .
RUN python3 -m pip install --no-cache-dir --require-hashes -r requirements-build.txt \
 && python3 -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .
RUN python3 -m venv /opt/dsync \
 && /opt/dsync/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && /opt/dsync/bin/pip install --no-cache-dir --no-deps /wheels/dsync_ds-*.whl \
 && /opt/dsync/bin/dsync config check

FROM build AS build-production
RUN /opt/dsync/bin/pip uninstall --yes pip

FROM build AS build-parquet
RUN /opt/dsync/bin/pip install --no-cache-dir --require-hashes -r requirements-parquet.txt \
 && /opt/dsync/bin/pip uninstall --yes pip

FROM ${PYTHON} AS base
RUN useradd --system --uid 10001 --no-create-home --home-dir /data dsync \
 && mkdir /data \
 && chown dsync /data
ARG IMAGE=dsync
ARG VERSION=latest
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="dsync" \
      org.opencontainers.image.description="Integration worker between Démarches Simplifiées and a programme's database" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# DSYNC_IMAGE: the image that a message names where an extra is missing.
ENV PATH=/opt/dsync/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DSYNC_IMAGE=${IMAGE}:${VERSION} \
    DSYNC_LOG_FORMAT=json \
    DSYNC_HTTP_LISTEN=0.0.0.0:8080
EXPOSE 8080
# A number, so that Kubernetes can see that it is not root's. No capability is needed.
USER 10001
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
# Late is what [schedule] incremental or [advanced] late_after make it, as for /readyz.
HEALTHCHECK --interval=1m --timeout=10s --start-period=10m --retries=3 \
    CMD ["dsync", "status", "--max-age"]
ENTRYPOINT ["dsync"]
CMD ["run"]

FROM base AS parquet
COPY --from=build-parquet /opt/dsync /opt/dsync

# The last one: what is built without --target.
FROM base AS production
COPY --from=build-production /opt/dsync /opt/dsync
