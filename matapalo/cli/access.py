"""`matapalo token` and `matapalo graphiql`: a development token, and a browser that already holds one.

The token goes to GraphiQL in the URL's fragment, which a browser never sends to a server; the page keeps it in memory.
"""

import webbrowser
from datetime import timedelta
from typing import Annotated

import typer

from matapalo.cli.options import DATA_DIR, DataDirOption, running
from matapalo.cli.project import ClientOption, current_project, named_client
from matapalo.launcher import keys, ports
from matapalo.launcher.errors import BadInput, NotRunning
from matapalo.launcher.keys import Role, Tier
from matapalo.launcher.platform import EDGE_PORT, DataDir

CustomerOption = Annotated[str, typer.Option(help="Whose token: the subject, an id of the seed.")]
TierOption = Annotated[Tier, typer.Option(help="The rate limits that apply.")]
RoleOption = Annotated[Role, typer.Option(help="What the subject may do.")]
CohortOption = Annotated[str | None, typer.Option(help="A cohort that routes may name.")]
HoursOption = Annotated[float, typer.Option(help="How long it is valid, at most 24.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command()(token)
    app.command()(graphiql)


def token(
    customer: CustomerOption,
    tier: TierOption = Tier.FREE,
    role: RoleOption = Role.CUSTOMER,
    cohort: CohortOption = None,
    hours: HoursOption = 8,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Print a development token, and nothing else."""
    print(_token(DataDir.at(data_dir), customer, tier, role, cohort, hours))


def graphiql(
    customer: CustomerOption = "cust_0001",
    client: ClientOption = None,
    tier: TierOption = Tier.PREMIUM,
    role: RoleOption = Role.CUSTOMER,
    print_: Annotated[bool, typer.Option("--print", help="Print the address instead of opening it.")] = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Open GraphiQL in the browser, signed in."""
    platform = running(data_dir)
    signed_in = _token(platform.data, customer, tier, role, None, 8)
    path = named_client(current_project(), client).path
    address = platform.url(EDGE_PORT, f"{path}#token={signed_in}")
    if print_:
        print(address)
        return
    if ports.is_free(platform.port(EDGE_PORT)):
        raise NotRunning(f"nothing listens on {platform.address(EDGE_PORT)}: start the platform with `matapalo up`")
    if not webbrowser.open(address):
        raise NotRunning("no browser could be started here: `matapalo graphiql --print` prints the address")


def _token(data: DataDir, customer: str, tier: Tier, role: Role, cohort: str | None, hours: float) -> str:
    lifetime = timedelta(hours=hours)
    if not timedelta(0) < lifetime <= keys.LONGEST:
        raise BadInput(f"--hours {hours:g}: a token lives more than 0 and at most 24 hours")
    return keys.token(data.keys, subject=customer, tier=tier, role=role, cohort=cohort, lifetime=lifetime)
