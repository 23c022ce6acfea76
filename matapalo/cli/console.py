"""`matapalo console`: the migration console in the browser, signed in.

The control plane gives out a code for an operator's token, which the browser exchanges once, within seconds: no token
ever is in an address, in the browser's history or in a log.
"""

import webbrowser
from datetime import timedelta
from typing import Annotated

import typer

from matapalo.cli.admin_client import Admin
from matapalo.cli.options import DATA_DIR, DataDirOption, running
from matapalo.launcher import ports
from matapalo.launcher.errors import NotRunning
from matapalo.launcher.platform import EDGE_PORT

SESSION_LIVES = timedelta(hours=8)


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command()(console)


def console(
    print_: Annotated[bool, typer.Option("--print", help="Print the address instead of opening it.")] = False,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Open the migration console in the browser, signed in."""
    platform = running(data_dir)
    if ports.is_free(platform.port(EDGE_PORT)):
        raise NotRunning(f"nothing listens on {platform.address(EDGE_PORT)}: start the platform with `matapalo up`")
    with Admin(platform, lifetime=SESSION_LIVES) as admin:
        code = admin.send("POST", "/console/codes", {})
    address = platform.url(EDGE_PORT, code["path"])
    if print_:
        print(address)
    elif not webbrowser.open(address):
        raise NotRunning(
            f"no browser could be started here: open {address} within {code['expires_in_s']} seconds, once"
        )
