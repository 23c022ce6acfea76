"""`matapalo mail`: what the platform has sent in development, read from the outbox folder (RFC 5322 files, `*.eml`)."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from matapalo.cli.options import DATA_DIR, DataDirOption
from matapalo.launcher.errors import UnknownName
from matapalo.launcher.platform import DataDir


def register(app: typer.Typer) -> None:
    """Adds the command of this file."""
    app.command()(mail)


def mail(
    number: Annotated[int | None, typer.Argument(help="Print this one, counted from 1, the oldest.")] = None,
    data_dir: DataDirOption = DATA_DIR,
) -> None:
    """List the mails sent so far, or print one."""
    files = _oldest_first(DataDir.at(data_dir).outbox)
    if number is None:
        _list(files)
    elif 1 <= number <= len(files):
        print(_text(_read(files[number - 1])))
    else:
        raise UnknownName(f"there is no mail {number}: {f'choose 1 to {len(files)}' if files else 'none was sent yet'}")


def _oldest_first(outbox: Path) -> list[Path]:
    return sorted(outbox.glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def _read(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(EmailMessage, policy=policy.default).parse(file)


def _list(files: list[Path]) -> None:
    if not files:
        print("no mail was sent yet")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "DATE", "TO", "SUBJECT"):
        table.add_column(heading)
    for number, path in enumerate(files, start=1):
        message = _read(path)
        table.add_row(str(number), *(str(message.get(name, "")) for name in ("date", "to", "subject")))
    Console().print(table)


def _text(message: EmailMessage) -> str:
    head = "\n".join(f"{name}: {message[name]}" for name in ("From", "To", "Date", "Subject") if message[name])
    body = message.get_body(preferencelist=("plain", "html"))
    return f"{head}\n\n{body.get_content() if body else ''}"
