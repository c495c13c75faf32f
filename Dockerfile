# The steps are those of `.ci/run`, which proves them without Docker: build the wheel, make a
# virtual environment, install the wheel under the constraints, run `dsync`.

FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN python3 -m pip wheel --no-deps --wheel-dir /wheels .
RUN python3 -m venv /opt/dsync \
 && /opt/dsync/bin/pip install --no-cache-dir -c constraints.txt /wheels/dsync-*.whl \
 && /opt/dsync/bin/dsync config check \
 && /opt/dsync/bin/pip uninstall --yes pip

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --home-dir /data dsync \
 && mkdir /data \
 && chown dsync /data
COPY --from=build /opt/dsync /opt/dsync
# MALLOC_TRIM_THRESHOLD_: memory that a run has freed goes back to the system, some 10 MiB.
ENV PATH=/opt/dsync/bin:$PATH \
    MALLOC_TRIM_THRESHOLD_=131072 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DSYNC_LOG_FORMAT=json \
    DSYNC_HTTP_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER dsync
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=10s --start-period=10m --retries=3 \
    CMD ["dsync", "status", "--max-age", "30m"]
ENTRYPOINT ["dsync"]
CMD ["run"]
