# One image for every process of ours; docker-compose.yml says which command each service runs.
# The engines are images of their own, so only run-time packages of the platform and of the shop are installed.

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
# The lock also holds development tools and engines: what neither the wheel nor the group `shop` names stays behind.
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    --mount=type=bind,from=wheels,source=/build/pyproject.toml,target=/build/pyproject.toml \
    pip install --disable-pip-version-check --no-cache-dir --no-index --find-links /wheels \
    matapalo --group /build/pyproject.toml:shop
# The project beside the platform: what a user's own image would copy.
WORKDIR /srv/shop
COPY matapalo.toml ./
COPY bff bff
COPY subgraphs subgraphs
COPY gateway gateway
COPY schema schema
RUN python -m compileall -q bff subgraphs
# Envoy runs as the same user: its admin socket, which the agent reads, is open to its owner only.
RUN useradd --system --uid 10001 --user-group matapalo \
    && install --directory --owner=matapalo --group=matapalo /var/lib/matapalo /var/lib/matapalo/envoy
USER matapalo
ENV PYTHONUNBUFFERED=1
CMD ["matapalo", "--help"]
