"""`matapalo token` and `matapalo graphiql`: a development token, and a browser that already holds one.

The token goes to GraphiQL in the URL's fragment, which a browser never sends to a server; the page keeps it in memory.
"""

from typing import Annotated

import typer

from matapalo.cli.options import DATA_DIR, DataDirOption, PrintOption, running_platform, started_platform
from matapalo.cli.project import ClientOption, current_project, named_client
from matapalo.launcher.errors import BadInput, NotRunning
from matapalo.launcher.keys import Role, Tier

CustomerOption = Annotated[str, typer.Option(help="Whose token: the subject, an id of the seed.")]
TierOption = Annotated[Tier, typer.Option(help="The rate limits that apply.")]
RoleOption = Annotated[Role, typer.Option(help="What the subject may do.")]
GRAPHIQL_HOURS = 8


def register(app: typer.Typer) -> None:
    app.command()(token)
    app.command()(graphiql)


def token(
    customer: CustomerOption,
    tier: TierOption = Tier.FREE,
    role: RoleOption = Role.CUSTOMER,
    cohort: Annotated[str | None, typer.Option(help="A cohort that routes may name.")] = None,
    hours: Annotated[float, typer.Option(help="How long it is valid, at most 24.")] = 8,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Print a development token, and nothing else."""
    from datetime import timedelta

    from matapalo.launcher import keys

    lifetime = timedelta(hours=hours)
    if not timedelta(0) < lifetime <= keys.LONGEST:
        raise BadInput(f"--hours {hours:g}: a token lives more than 0 and at most 24 hours")
    folder = started_platform(data_dir).data.keys
    print(keys.token(folder, subject=customer, tier=tier, role=role, cohort=cohort, lifetime=lifetime))


def graphiql(
    customer: CustomerOption = "cust_0001",
    client: ClientOption = None,
    tier: TierOption = Tier.PREMIUM,
    role: RoleOption = Role.CUSTOMER,
    print_: PrintOption = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Open GraphiQL in the browser, signed in."""
    import webbrowser
    from datetime import timedelta

    from matapalo.launcher import keys
    from matapalo.launcher.platform import EDGE_PORT

    path = named_client(current_project(), client).path
    platform = started_platform(data_dir) if print_ else running_platform(data_dir)
    signed = keys.token(
        platform.data.keys, subject=customer, tier=tier, role=role, lifetime=timedelta(hours=GRAPHIQL_HOURS)
    )
    address = platform.url(EDGE_PORT, f"{path}#token={signed}")
    if print_:
        print(address)
    elif not webbrowser.open(address):
        raise NotRunning("no browser could be started here: `matapalo graphiql --print` prints the address")
