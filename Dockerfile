# One image for every process of ours; docker-compose.yml says which command each service runs.
# The engines are images of their own, so only the project and its run-time dependencies are installed.

FROM python:3.13-slim AS wheels
WORKDIR /build
COPY requirements.lock ./
# Every file is checked against the lock's hashes here; the next stage installs from these files and nothing else.
RUN pip download --disable-pip-version-check --no-cache-dir \
    --require-hashes --requirement requirements.lock --dest /wheels
COPY pyproject.toml README.md LICENSE ./
COPY matapalo matapalo
RUN pip wheel --disable-pip-version-check --no-cache-dir --no-index --find-links /wheels --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --disable-pip-version-check --no-cache-dir --no-index --find-links /wheels matapalo
# The project beside the platform: what a user's own image would copy.
WORKDIR /srv/shop
COPY bff bff
COPY subgraphs subgraphs
COPY gateway gateway
COPY schema schema
# Envoy runs as the same user: its admin socket, which the agent reads, is open to its owner only.
RUN useradd --system --uid 10001 --user-group matapalo \
    && install --directory --owner=matapalo --group=matapalo /var/lib/matapalo /var/lib/matapalo/envoy
USER matapalo
ENV PYTHONUNBUFFERED=1
CMD ["matapalo", "--help"]
