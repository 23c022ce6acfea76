"""Settings of the services, read once from the environment (`SUBGRAPHS_…`, and `MATAPALO_ENV`) and passed down.

Not for business rules. A service's port is `port_base` plus its index in `SERVICES`, so that one number moves all.
"""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SERVICES = ("legacy", "customers", "orders", "products", "payments", "inventory", "shipping", "recommendations")
"""Index in this tuple = offset of the service's port. The order is part of the address table: append, never reorder."""


class Settings(BaseSettings):
    """Everything that configures a service process."""

    model_config = SettingsConfigDict(env_prefix="SUBGRAPHS_", frozen=True, extra="forbid", populate_by_name=True)

    environment: Annotated[Literal["development", "production"], Field(validation_alias="MATAPALO_ENV")] = "production"
    database_url: str = "postgresql+asyncpg://matapalo@127.0.0.1:5439/matapalo"
    database_connections: Annotated[int, Field(ge=1, le=100)] = 10
    """Of this process. Eight processes of ten stay below PostgreSQL's default of a hundred."""
    database_wait_s: Annotated[float, Field(ge=0)] = 20.0
    host: str = "127.0.0.1"
    port_base: Annotated[int, Field(ge=1, le=65_000)] = 9000
    port: Annotated[int | None, Field(ge=1, le=65_535)] = None

    @property
    def development(self) -> bool:
        """Whether development-only parts (fault injection) may exist."""
        return self.environment == "development"

    def port_of(self, service: str) -> int:
        """The port of ``service``: its own `SUBGRAPHS_PORT` when it runs alone, else its place in the block."""
        return self.port if self.port is not None else self.port_base + SERVICES.index(service)
