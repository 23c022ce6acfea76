"""Emails: one file each in development, one delivery each over SMTP in production."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from bff.commerce.mail import Email, Outbox, Smtp

EMAIL = Email(
    id="placeOrder:0123:notify_customer", to="ana@example.org", subject="Your order: écrit", text="Hello Ana,\nÉlan.\n"
)


async def test_an_email_that_is_sent_twice_is_one_file_in_the_outbox(tmp_path: Path):
    outbox = Outbox(tmp_path / "outbox")
    await outbox.send(EMAIL)
    await outbox.send(EMAIL)
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.name == "placeOrder-0123-notify_customer.eml"
    message = message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default)
    assert (message["To"], message["Subject"]) == (EMAIL.to, EMAIL.subject)
    assert message.get_content() == EMAIL.text


@pytest.mark.parametrize("email_id", ["../../etc/passwd", "a/b", "x" * 500])
def test_no_id_leads_out_of_the_outbox(tmp_path: Path, email_id: str):
    asyncio.run(Outbox(tmp_path / "outbox").send(Email(email_id, "a@example.org", "s", "t")))
    assert len(list((tmp_path / "outbox").iterdir())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["outbox"]


@pytest.mark.parametrize("subject", ["a\nBcc: all@example.org", "a\r\nX: y"])
def test_a_subject_cannot_add_headers(subject: str):
    with pytest.raises(ValueError, match=r"[Hh]eader"):
        Email("1", "a@example.org", subject, "t").message()


async def test_smtp_delivers_the_email():
    async with mail_server() as (port, received):
        await Smtp(f"smtp://127.0.0.1:{port}").send(EMAIL)
    (message,) = received
    assert b"To: ana@example.org" in message
    assert b"Message-ID: <placeOrder-0123-notify_customer@" in message


async def test_a_mail_server_that_is_away_is_an_error():
    async with mail_server() as (port, _):
        pass
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await Smtp(f"smtp://127.0.0.1:{port}").send(EMAIL)


@pytest.mark.parametrize("url", ["", "localhost:25", "http://mail", "smtp://"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str):
    with pytest.raises(ValueError, match="BFF_SMTP_URL"):
        Smtp(url)


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[int, list[bytes]]]:
    """As much of RFC 5321 as a client needs to deliver."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                received.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
            if verb == b"QUIT":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], received
