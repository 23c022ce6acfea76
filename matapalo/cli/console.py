"""`matapalo console`: the migration console in the browser, signed in.

The control plane gives out a code for an operator's token, which the browser exchanges once, within seconds: no token
ever is in an address, in the browser's history or in a log.
"""

import typer

from matapalo.cli.options import DATA_DIR, DataDirOption, PrintOption, running_platform
from matapalo.launcher.errors import NotRunning

SESSION_HOURS = 8


def register(app: typer.Typer) -> None:
    app.command()(console)


def console(print_: PrintOption = False, data_dir: DataDirOption = DATA_DIR) -> None:
    """Open the migration console in the browser, signed in."""
    import webbrowser
    from datetime import timedelta

    from matapalo.cli.admin_client import Admin
    from matapalo.launcher.platform import EDGE_PORT

    platform = running_platform(data_dir)
    with Admin(platform, lifetime=timedelta(hours=SESSION_HOURS)) as admin:
        code = admin.send("POST", "/console/codes", {})
    address = platform.url(EDGE_PORT, code["path"])
    if print_:
        print(address)
    elif not webbrowser.open(address):
        raise NotRunning(
            f"no browser could be started here: open {address} within {code['expires_in_s']} seconds, once"
        )
