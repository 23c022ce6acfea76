"""`matapalo up|down|restart|status|logs`: the platform of a data directory, from its first process to its last."""

import json
from typing import Annotated

import typer

from matapalo.cli import completion
from matapalo.cli.options import DATA_DIR, DataDirOption, JsonOption, started_platform
from matapalo.cli.project import current_project
from matapalo.launcher.errors import CommandError

LAUNCHER = "launcher"


def register(app: typer.Typer) -> None:
    for command in (up, down, restart, status, logs):
        app.command()(command)


def up(
    data_dir: DataDirOption = DATA_DIR,
    port_offset: Annotated[
        int,
        typer.Option(
            help="Shift every port: a multiple of 100 from 100 to 900, for a platform beside another.",
            autocompletion=completion.offsets,
        ),
    ] = 0,
    detached: Annotated[bool, typer.Option("--detach", help="Leave it running in the background once ready.")] = False,
    reload: Annotated[bool, typer.Option("--reload", help="Restart our processes when their sources change.")] = False,
) -> None:
    """Start the platform and print its addresses; Ctrl-C stops everything."""
    from rich.console import Console

    from matapalo.launcher import detach, processes
    from matapalo.launcher import up as foreground
    from matapalo.launcher.platform import DataDir, Platform
    from matapalo.launcher.progress import Progress, addresses

    project = current_project()
    platform = Platform(DataDir(data_dir), port_offset)
    console = Console()
    if not detached:
        rows, summary = processes.table(project), addresses(platform, project)
        raise typer.Exit(foreground.run(platform, rows, summary=summary, watch_sources=reload, console=console))
    try:
        detach.start(platform, watch_sources=reload, display=Progress(console))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def down(data_dir: DataDirOption = DATA_DIR) -> None:
    """Stop the platform, also what a killed launcher left behind."""
    from rich.console import Console

    from matapalo.launcher import detach
    from matapalo.launcher.progress import Progress

    detach.stop(started_platform(data_dir), display=Progress(Console()))


def restart(
    names: Annotated[
        list[str],
        typer.Argument(help="Processes, as `matapalo status` lists them.", autocompletion=completion.processes),
    ],
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """Restart processes of the running platform, and wait until they are ready again."""
    from matapalo.launcher import control_socket

    control_socket.restart(started_platform(data_dir), names)
    print(f"{', '.join(dict.fromkeys(names))}: ready again")


def status(data_dir: DataDirOption = DATA_DIR, as_json: JsonOption = False) -> None:
    """Show each process as it is now; exit code 1 unless all are up."""
    import msgspec

    from matapalo.launcher import processes
    from matapalo.launcher import status as current

    rows = current.rows(started_platform(data_dir), processes.table(current_project()))
    if as_json:
        print(json.dumps(msgspec.to_builtins(rows), indent=2))
    else:
        from rich.console import Console

        Console().print(current.table(rows))
        if any(row.state == current.LEFT_BEHIND for row in rows):
            print("the launcher was killed: `matapalo up` or `matapalo down` cleans up what it left behind")
    raise typer.Exit(0 if all(row.is_up for row in rows) else 1)


def logs(
    name: Annotated[
        str,
        typer.Argument(help=f"A process of `matapalo status`, or {LAUNCHER}.", autocompletion=completion.logs),
    ],
    data_dir: DataDirOption = DATA_DIR,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
) -> None:
    """Print the last lines of a process's log."""
    from matapalo.launcher import logs as files
    from matapalo.launcher import processes

    log = started_platform(data_dir).data.log(name)
    if not log.exists():
        if name != LAUNCHER:
            processes.named(processes.table(current_project()), name)
        if not follow:
            raise CommandError(f"{log} is not there: {name} has not been started in this data directory")
    end = files.size(log)
    for line in files.last_lines(log, lines):
        print(line)
    if follow:
        try:
            for text in files.follow(log, start=end):
                print(text, end="", flush=True)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
