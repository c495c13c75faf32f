# The steps are those of `.ci/run`, which proves them without Docker: build the wheel, make a
# virtual environment, install what is needed by its hashes, then the wheel, run `dsync`.

# Of the repository docker-library/repo-info: the index of all architectures of python:3.11.15-slim-trixie.
ARG PYTHON=python:3.11.15-slim-trixie@sha256:90744cff8f32887f075c47d747a173ff333e9e98801667af93c357fa9f5e28ff

FROM ${PYTHON} AS build
WORKDIR /source
COPY . .
RUN python3 -m pip wheel --no-deps --wheel-dir /wheels .
RUN python3 -m venv /opt/dsync \
 && /opt/dsync/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
 && /opt/dsync/bin/pip install --no-cache-dir --no-deps /wheels/dsync-*.whl \
 && /opt/dsync/bin/dsync config check \
 && /opt/dsync/bin/pip uninstall --yes pip

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home --home-dir /data dsync \
 && mkdir /data \
 && chown dsync /data
COPY --from=build /opt/dsync /opt/dsync
ENV PATH=/opt/dsync/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DSYNC_LOG_FORMAT=json \
    DSYNC_HTTP_LISTEN=0.0.0.0:8080
EXPOSE 8080
# A number, so that Kubernetes can see that it is not root's. No capability is needed.
USER 10001
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=10s --start-period=10m --retries=3 \
    CMD ["dsync", "status", "--max-age", "30m"]
ENTRYPOINT ["dsync"]
CMD ["run"]
