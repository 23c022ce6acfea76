"""`matapalo worker`: the Temporal worker of the project's workflows, set up by its environment (BFF_*)."""

import typer

from matapalo.cli.project import current_project, problems_of_the_project
from matapalo.launcher.errors import BadInput


def register(app: typer.Typer) -> None:
    app.command()(worker)


def worker() -> None:
    """Run the project's workflows and their activities."""
    import asyncio

    from matapalo import worker as process
    from matapalo.cli.bff_settings import load
    from matapalo.telemetry import logs

    project = current_project()
    settings = load()
    logs.configure("worker")
    try:
        with problems_of_the_project():
            asyncio.run(process.serve(settings, project))
    except process.RegistrationError as error:
        raise BadInput(str(error)) from error
