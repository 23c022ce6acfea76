"""What `matapalo.toml` may say, table by table. Paths are absolute once read; a reference is ``module:attribute``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

NAME = r"^[a-z][a-z0-9-]{0,30}$"
REFERENCE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
#: Processes and upstreams of the platform itself, and first segments of the edge's own paths.
RESERVED = frozenset(
    {"valkey", "postgres", "temporal", "control", "agent", "compare", "envoy", "worker", "rollouts", "launcher"}
    | {"api", "admin", "console", "metrics", "healthz", "readyz"}
)

Trust = Literal["open", "safelist", "ids-only"]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=NAME)]
Reference = Annotated[str, Field(pattern=REFERENCE)]


def _below_root(path: Path, info: ValidationInfo) -> Path:
    root: Path = (info.context or {})["root"]
    return root / path


ProjectPath = Annotated[Path, AfterValidator(_below_root)]


class Address(BaseModel):
    """Host and port of a listener."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Table(BaseModel):
    """One table of the file: it says what is named here and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProjectTable(Table):
    """`[project]`. ``commands`` are functions that add sub-commands to the Typer application of `matapalo`."""

    name: Name
    schema_folder: ProjectPath = Field(default=Path("schema"), alias="schema", validate_default=True)
    commands: tuple[Reference, ...] = ()
    traffic: ProjectPath | None = None


class Client(Table):
    """`[clients.NAME]`: a GraphQL schema of its own, at `/NAME/graphql` behind the edge.

    ``trust``: `open` runs free text and lets the schema be explored; `safelist` runs the operations of its manifest
    (in development also free text); `ids-only` takes nothing but their ids, everywhere. ``first_screen`` names the
    operation that GraphiQL shows first. ``tiers`` are limits of its own, counted apart from other clients'.
    """

    name: Name
    schema_: Reference = Field(alias="schema")
    context: Reference | None = None
    operations: ProjectPath
    trust: Trust = "safelist"
    port: Port
    description: str = ""
    first_screen: str | None = None
    tiers: ProjectPath | None = None

    @property
    def path(self) -> str:
        return f"/{self.name}/graphql"

    @property
    def manifest(self) -> Path:
        """Its persisted operations, as `matapalo operations build` writes them."""
        return self.operations.with_name(f"{self.operations.name}.manifest.json")


class Process(Table):
    """`[processes.NAME]`: a command that only `matapalo up` runs.

    In ``env``, ``{port:9000}`` is a port with the platform's offset, ``{postgres}`` is `user@host:port/database`,
    ``{redis}`` an address. ``needs`` names what must be ready before. A command of no service ends by itself.
    """

    name: Name
    run: str = Field(min_length=1)
    needs: tuple[str, ...] = ()
    env: Mapping[str, str] = {}


class Service(Table):
    """`[services.NAME]`: a REST service, an upstream of the gateway. ``process`` is the one of ours that serves it."""

    name: Name
    url: str
    prefix: str | None = Field(default=None, pattern=r"^/[A-Za-z0-9/_-]*[A-Za-z0-9_-]$")
    openapi: ProjectPath | None = None
    process: str | None = None
    ready: str = Field(default="/readyz", pattern=r"^/")
    description: str = ""

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise ValueError("give an address without a path, for example http://127.0.0.1:9001")
        return url

    @property
    def address(self) -> Address:
        """The host and port it listens on."""
        parts = urlsplit(self.url)
        return Address(host=parts.hostname or "", port=parts.port or 80)


class Worker(Table):
    """`[worker]`. ``register`` are functions from `matapalo.Resources` to what makes each worker.

    ``search_attributes`` are created with Temporal's namespace: name -> type.
    """

    register_: tuple[Reference, ...] = Field(alias="register", min_length=1)
    search_attributes: Mapping[str, Literal["Bool", "Datetime", "Double", "Int", "Keyword", "KeywordList", "Text"]] = {}


class Strangler(Table):
    """`[strangler]`. ``monolith`` is the service that every route starts from; ``compare`` says what samples keep."""

    monolith: str
    routes: ProjectPath
    compare: ProjectPath | None = None


class Project(Table):
    """A project: everything that the platform knows about it. ``root`` is the folder of its `matapalo.toml`."""

    root: Path
    project: ProjectTable
    clients: Mapping[str, Client] = Field(min_length=1)
    services: Mapping[str, Service] = Field(min_length=1)
    processes: Mapping[str, Process] = {}
    worker: Worker | None = None
    strangler: Strangler

    @property
    def name(self) -> str:
        """Its name, as in `[project]`."""
        return self.project.name

    @property
    def file(self) -> Path:
        return self.root / "matapalo.toml"

    @model_validator(mode="before")
    @classmethod
    def _name_rows_by_their_tables(cls, tables: Any) -> Any:
        """Each row of clients, services and processes knows its name; a client's operations lie below `schema/`."""
        named: dict[str, Any] = dict(tables)
        for kind in ("clients", "services", "processes"):
            rows = tables.get(kind)
            if isinstance(rows, dict):
                named[kind] = {
                    name: {**row, "name": name} if isinstance(row, dict) else row for name, row in rows.items()
                }
        folder = (tables.get("project") or {}).get("schema", "schema")
        for row in named["clients"].values() if isinstance(named.get("clients"), dict) else ():
            if isinstance(row, dict):
                row.setdefault("operations", f"{folder}/operations/{row['name']}")
        return named

    @model_validator(mode="after")
    def _refuse_what_does_not_fit_together(self) -> Self:
        if self.strangler.monolith not in self.services:
            raise _misfit("strangler.monolith", self.strangler.monolith, f"name one of {_listed(self.services)}")
        names = [*self.clients, *self.processes]
        for name in names:
            if name in RESERVED or names.count(name) > 1:
                kind = "clients" if name in self.clients else "processes"
                raise _misfit(f"{kind}.{name}", name, "the name is taken: the platform or another table has it already")
        for service in self.services.values():
            if service.process is not None and service.process not in self.processes:
                raise _misfit(
                    f"services.{service.name}.process", service.process, f"name one of {_listed(self.processes)}"
                )
        self._refuse_shared_ports()
        return self

    def _refuse_shared_ports(self) -> None:
        holders: dict[int, str] = {}
        rows = [(f"clients.{row.name}.port", row.port) for row in self.clients.values()]
        rows += [(f"services.{row.name}.url", row.address.port) for row in self.services.values() if row.process]
        for key, port in rows:
            if port in holders:
                raise _misfit(key, port, f"{holders[port]} has this port already")
            holders[port] = key


def _misfit(key: str, value: object, remedy: str) -> PydanticCustomError:
    """What two tables say together cannot be; `reader` finds the line of ``key``."""
    return PydanticCustomError("misfit", "{remedy}", {"key": key, "value": value, "remedy": remedy})


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "(there is none)"
