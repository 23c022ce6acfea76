"""The command line: one command, and one file of this folder for each of its sub-commands.

Only parsing and printing; each sub-command is one call into the module that does the work, which it imports when it
runs. A CommandError becomes a message on standard error and its exit code: 1 for a failure, 2 for wrong usage.
"""

import sys
from typing import Annotated

import typer

from matapalo.cli import (
    access,
    console,
    cost,
    decommission,
    explain,
    faults,
    gateway,
    limits,
    mail,
    operations,
    platform,
    rollout,
    routes,
    schema,
    serve,
    traffic,
    worker,
)
from matapalo.cli.project import commands_of_the_project
from matapalo.launcher.errors import CommandError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point of the `matapalo` script."""
    for register in commands_of_the_project():
        register(app)
    try:
        app(prog_name="matapalo")
    except CommandError as error:
        print(f"matapalo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has left: `matapalo logs worker | head`
        sys.exit(1)


def _print_version(is_asked_for: bool) -> None:
    if is_asked_for:
        from importlib.metadata import version

        print(f"matapalo {version('matapalo')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Run the Matapalo platform on this machine, and talk to it."""


for module in (
    *(platform, access, console, traffic, mail, faults, limits),
    *(routes, rollout, decommission),
    *(schema, operations, cost, explain),
    *(serve, worker, gateway),
):
    module.register(app)
