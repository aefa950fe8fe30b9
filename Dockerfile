# The pipeline's image. A tag can be moved, a digest cannot; delivery resolves the tag and builds with it:
# --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim
# As in docker/mongo/Dockerfile: mongodump and mongorestore come from it.
ARG MONGO_IMAGE=mongo:8.0@sha256:4968f22d0c6c10ef29952f3e807f62872ba22b3312f25803564fbfc08255efc2

FROM ${MONGO_IMAGE} AS mongo

FROM ${PYTHON_IMAGE} AS build
ARG POETRY_VERSION=2.5.1
ARG POETRY_PLUGIN_EXPORT_VERSION=1.10.1
RUN pip install --no-cache-dir --root-user-action=ignore \
        "poetry==${POETRY_VERSION}" "poetry-plugin-export==${POETRY_PLUGIN_EXPORT_VERSION}"
WORKDIR /build
# The dependencies first: this layer stays as long as the lock file does. `main` is without the embedded MongoDB and
# the tools. By pip, which checks each file's digest and, unlike Poetry, knows the package index the machine is set to.
# The environment has no pip of its own: nothing can be installed where it runs. The tests of these three are 75 MB.
COPY pyproject.toml poetry.lock ./
RUN poetry export --only main --all-extras --output requirements.txt \
    && python -m venv --without-pip /app \
    && pip --python /app/bin/python install --no-cache-dir --require-hashes --requirement requirements.txt \
    && find /app/lib/python3*/site-packages/numpy /app/lib/python3*/site-packages/pandas \
        /app/lib/python3*/site-packages/pyarrow -type d -name tests -prune -exec rm -rf {} +
COPY src ./src
# The commit is part of the version that documents and reports name.
ARG REVISION
RUN poetry version "$(poetry version --short)${REVISION:+"+g$(printf '%.12s' "$REVISION")"}" \
    && poetry build --format wheel \
    && pip --python /app/bin/python install --no-cache-dir --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 pipeline \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --no-log-init pipeline
# They need Kerberos' library, and say at once whether they run here. Its version is the distribution's newest.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgssapi-krb5-2 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=mongo /usr/bin/mongodump /usr/bin/mongorestore /usr/local/bin/
RUN mongodump --version && mongorestore --version
# Owned by root, and compiled: the program cannot change itself and need not try.
COPY --from=build /app /app
# Only /tmp is written to, so that the root file system can be read-only.
WORKDIR /tmp
ENV PATH=/app/bin:$PATH \
    HOME=/tmp \
    LOGS_DIR=/tmp/logs \
    LOG_FORMAT=json \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="forecast" \
      org.opencontainers.image.description="Weather observations from raw objects to MongoDB" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
# The exec form: the pipeline itself is what gets SIGTERM.
ENTRYPOINT ["pipeline"]
