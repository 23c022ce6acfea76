"""`matapalo mail`: what the platform has sent in development, read from the outbox folder (RFC 5322 files, `*.eml`)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matapalo.cli.options import DATA_DIR, DataDirOption, started_platform
from matapalo.cli.output import table
from matapalo.launcher.errors import UnknownName

if TYPE_CHECKING:
    from email.message import EmailMessage


def register(app: typer.Typer) -> None:
    app.command()(mail)


def mail(
    number: Annotated[int | None, typer.Argument(help="Print this one, counted from 1, the oldest.")] = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """List the emails sent so far, or print one."""
    outbox = started_platform(data_dir).data.outbox
    files = sorted(outbox.glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    if number is None:
        _list(files)
    elif 1 <= number <= len(files):
        print(_text(_read(files[number - 1])))
    else:
        raise UnknownName(
            f"there is no email {number}: {f'choose 1 to {len(files)}' if files else f'none was sent yet to {outbox}'}"
        )


def _read(path: Path) -> "EmailMessage":
    from email import policy
    from email.message import EmailMessage
    from email.parser import BytesParser

    with path.open("rb") as file:
        return BytesParser(EmailMessage, policy=policy.default).parse(file)


def _list(files: list[Path]) -> None:
    if not files:
        print("no email was sent yet")
        return
    from rich.console import Console

    messages = map(_read, files)
    rows = [
        (str(number), *(str(message.get(name, "")) for name in ("date", "to", "subject")))
        for number, message in enumerate(messages, start=1)
    ]
    Console().print(table(("", "DATE", "TO", "SUBJECT"), rows))


def _text(message: "EmailMessage") -> str:
    head = "\n".join(f"{name}: {message[name]}" for name in ("From", "To", "Date", "Subject") if message[name])
    body = message.get_body(preferencelist=("plain", "html"))
    return f"{head}\n\n{body.get_content() if body else ''}"
