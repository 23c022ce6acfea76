"""The command line: `matapalo up`, `down`, `status`, `logs`, and the groups of `matapalo.cli`.

Only parsing and printing; each command is one call into the module of its name. A LauncherError becomes a message on
standard error and its exit code: 1 for a failure, 2 for wrong usage.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from matapalo.cli import (
    access,
    console,
    cost,
    decommission,
    faults,
    gateway,
    limits,
    mail,
    operations,
    rollout,
    routes,
    schema,
    serve,
    traffic,
    worker,
)
from matapalo.cli.options import DATA_DIR, DataDirOption, running
from matapalo.cli.project import commands_of_the_project, current_project
from matapalo.launcher import control_socket, detach, logs, processes, progress, up
from matapalo.launcher import status as current
from matapalo.launcher.errors import LauncherError
from matapalo.launcher.platform import DataDir, Platform
from matapalo.launcher.progress import PlainProgress

app = typer.Typer(
    help="Run the Matapalo platform on this machine, and talk to it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point of the `matapalo` script."""
    for register in commands_of_the_project():
        register(app)
    try:
        app()
    except LauncherError as error:
        print(f"matapalo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has left: `matapalo logs web | head`
        sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"matapalo {version('matapalo')}")
        raise typer.Exit


@app.callback()
def _options(
    version_: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Run the Matapalo platform on this machine, and talk to it."""


@app.command("up")
def up_(
    data_dir: DataDirOption = DATA_DIR,
    port_offset: Annotated[
        int, typer.Option(help="Shift every port: a multiple of 100 from 100 to 900, for a platform beside another.")
    ] = 0,
    detached: Annotated[bool, typer.Option("--detach", help="Leave it running in the background once ready.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Restart our processes when their sources change.")] = False,
) -> None:
    """Start the platform and print its addresses; Ctrl-C stops everything."""
    project = current_project()
    platform = Platform(DataDir.at(data_dir), port_offset)
    console = Console()
    if detached:
        try:
            detach.start(platform, watch_sources=reload, display=PlainProgress(console))
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    else:
        raise typer.Exit(
            up.run(
                platform,
                processes.table(project),
                summary=progress.addresses(platform, project),
                watch_sources=reload,
                console=console,
            )
        )


@app.command()
def down(data_dir: DataDirOption = DATA_DIR) -> None:
    """Stop the platform, also what a killed launcher left behind."""
    detach.stop(Platform(DataDir.at(data_dir)), display=PlainProgress(Console()))


@app.command()
def restart(
    names: Annotated[list[str], typer.Argument(help="Processes, as `matapalo status` lists them.", metavar="NAME…")],
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Restart processes of the running platform, and wait until they are ready again."""
    control_socket.restart(running(data_dir), names)
    print(f"{', '.join(dict.fromkeys(names))}: ready again")


@app.command()
def status(
    data_dir: DataDirOption = DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a list of objects.")] = False,
) -> None:
    """Show each process, asked now; exit code 1 unless all are up."""
    found = current.rows(running(data_dir), processes.table(current_project()))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        Console().print(current.table(found))
        if any(row.state == current.LEFT_BEHIND for row in found):
            print("the launcher was killed: `matapalo up` or `matapalo down` cleans up what it left behind")
    raise typer.Exit(0 if all(row.is_up for row in found) else 1)


@app.command("logs")
def logs_(
    name: Annotated[str, typer.Argument(help="A process, as `matapalo status` lists them, or launcher.")],
    data_dir: DataDirOption = DATA_DIR,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
) -> None:
    """Print the last lines of a process's log."""
    if name != "launcher":
        processes.named(processes.table(current_project()), name)
    log = DataDir.at(data_dir).log(name)
    if not log.exists() and not follow:
        raise LauncherError(f"{log} is not there: {name} has not been started in this data directory")
    end = logs.size(log)
    for line in logs.last_lines(log, lines):
        print(line)
    if follow:
        try:
            for written in logs.follow(log, start=end):
                print(written, end="", flush=True)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


for module in (
    *(access, console, faults, limits, mail, routes, rollout, decommission, traffic),
    *(serve, worker, gateway, operations, schema, cost),
):
    module.register(app)
