# The pipeline's image. Give BASE with a digest to pin it: --build-arg BASE=python:3.13-slim@sha256:…
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ARG POETRY_VERSION=2.5.1
ENV POETRY_VIRTUALENVS_IN_PROJECT=true \
    POETRY_NO_INTERACTION=1
RUN pip install --no-cache-dir "poetry==${POETRY_VERSION}"
WORKDIR /app
# The dependencies first: this layer stays as long as the lock file does.
COPY pyproject.toml poetry.lock ./
RUN poetry install --only main --no-root --compile --no-cache
COPY src ./src
RUN poetry install --only main --compile

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp pipeline
WORKDIR /app
COPY --from=build /app /app
# Only /tmp is written to, so that the root file system can be read-only.
ENV PATH=/app/.venv/bin:$PATH \
    HOME=/tmp \
    LOGS_DIR=/tmp/logs \
    LOG_FORMAT=json \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
ENTRYPOINT ["pipeline"]
