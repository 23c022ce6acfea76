"""What a BFF process is told by its environment (prefix ``BFF_``; ``MATAPALO_ENV`` for the environment itself).

Built once in `matapalo.cli.bff_settings` and passed down; nothing else reads the environment. Raises ``ValueError`` (as
pydantic's
``ValidationError``) with the name of the variable, its value and what would be right.
"""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEV_ISSUER = "matapalo-dev"

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


class Settings(BaseSettings):
    """All settings of the BFF's processes. Durations are seconds in the environment."""

    model_config = SettingsConfigDict(env_prefix="BFF_", frozen=True, extra="forbid", env_parse_none_str="unlimited")

    environment: Literal["development", "production"] = Field(
        default="production", validation_alias=AliasChoices("MATAPALO_ENV", "environment")
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8001, ge=1, le=65535)
    metrics_port: int = Field(default=8021, ge=1, le=65535)

    gateway_url: str = "http://127.0.0.1:8081"
    redis_url: str = "redis://127.0.0.1:6390/0"
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"

    jwks_file: Path | None = None
    jwks_url: str | None = None
    jwt_issuer: str = DEV_ISSUER
    secrets: tuple[str, ...] = Field(default=(), description="The first signs, all verify; replicas share it.")
    payload_secrets: tuple[str, ...] = Field(
        default=(), description="For payloads in Temporal; the first encrypts, all decrypt. Empty: `secrets`."
    )
    encrypt_payloads: bool | None = Field(default=None, description="In Temporal. Unset: in production.")
    max_workflow_calls: int = Field(default=32, ge=1, description="Waiting for workflows at once, in one process.")
    cors_origins: tuple[str, ...] = ()

    http_client: Literal["pyreqwest", "httpx"] = "pyreqwest"
    outbox_dir: Path | None = None
    smtp_url: str | None = None

    query_deadline: timedelta = timedelta(seconds=2)
    mutation_deadline: timedelta = timedelta(seconds=5)
    idempotency_lease: timedelta = Field(
        default=timedelta(seconds=15), description="For how long a mutation whose process died keeps its key."
    )
    max_body_bytes: int = Field(default=100_000, ge=1)
    max_batch_ids: int = Field(default=200, ge=1, le=200)
    max_document_tokens: int = Field(default=2_000, ge=1)
    max_depth: int = Field(default=12, ge=1)
    max_aliases: int = Field(default=30, ge=0)

    redis_cluster: bool = Field(default=False, description="Whether redis_url is a node of a Redis Cluster.")
    replicas: int = Field(default=1, ge=1, description="How many processes share the limits while Redis is away.")
    tiers_file: Path | None = Field(default=None, description="The tiers; those of the package otherwise.")
    address_requests_per_second: int | None = Field(
        default=100, ge=1, description="Of one address, to this process, on average over ten seconds; or 'unlimited'."
    )
    cost_extension: bool = Field(default=True, description="Whether answers carry extensions.cost.")
    denial_statuses: bool = Field(
        default=False, description="Whether a refusal by a limit is 429 for application/json, too; 200 otherwise."
    )

    @property
    def is_development(self) -> bool:
        """Whether the development-only conveniences are allowed."""
        return self.environment == "development"

    @property
    def payload_keys(self) -> tuple[str, ...]:
        """The secrets under which payloads in Temporal are encrypted; none when they are written in the clear."""
        encrypts = not self.is_development if self.encrypt_payloads is None else self.encrypt_payloads
        return (self.payload_secrets or self.secrets) if encrypts else ()

    @field_validator("query_deadline", "mutation_deadline", "idempotency_lease", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        """`1.5` is seconds, which pydantic believes of numbers only."""
        return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value

    @model_validator(mode="after")
    def _refuse_unsafe_combinations(self) -> Self:
        if self.jwks_file is None and self.jwks_url is None:
            raise ValueError("no keys to verify tokens with: set BFF_JWKS_URL (production) or BFF_JWKS_FILE")
        if not self.is_development and self.jwt_issuer == DEV_ISSUER:
            raise ValueError(
                f"BFF_JWT_ISSUER is {DEV_ISSUER!r}, the development issuer, and MATAPALO_ENV is 'production': "
                "set BFF_JWT_ISSUER to your identity provider's issuer"
            )
        if self.idempotency_lease < timedelta(seconds=1):
            raise ValueError(f"BFF_IDEMPOTENCY_LEASE is {self.idempotency_lease}: use at least one second")
        if not self.secrets:
            raise ValueError("BFF_SECRETS is empty: give a JSON list of at least one secret of 32 characters")
        for name, secrets in (("BFF_SECRETS", self.secrets), ("BFF_PAYLOAD_SECRETS", self.payload_secrets)):
            for index, secret in enumerate(secrets):
                if len(secret) < 32:
                    raise ValueError(f"{name}[{index}] has {len(secret)} characters: use at least 32")
        return self


def unknown_variables(prefix: str = "BFF_") -> list[str]:
    """Variables of our prefix that no setting reads: most often a misspelling, so a start-up error."""
    settings = {f"{prefix}{name}".upper() for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.upper().startswith(prefix) and name.upper() not in settings)
