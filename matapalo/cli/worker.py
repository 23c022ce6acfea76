"""`matapalo worker`: the Temporal worker of the project's workflows, set up by its environment (BFF_*)."""

import typer

from matapalo.launcher.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(worker)


def worker() -> None:
    """Run order workflows and their activities."""
    import asyncio

    from matapalo import worker as process
    from matapalo.cli.bff_settings import load
    from matapalo.telemetry import logs

    settings = load()
    logs.configure("worker")
    try:
        process.create_mail(settings)
    except ValueError as error:
        raise BadInput(str(error)) from error
    asyncio.run(process.serve(settings))
