"""Sending an email to a customer: a port with two ends. Development writes files, production speaks SMTP.

An email's id is its idempotency key: sent twice, the outbox holds one file, and a mail system may drop the second by
its `Message-ID`.
"""

import asyncio
import re
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

SENDER = "Matapalo <orders@matapalo.example>"
DOMAIN = "matapalo.example"
SMTP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Email:
    """Plain text to one person."""

    id: str
    to: str
    subject: str
    text: str

    def message(self) -> EmailMessage:
        """As RFC 5322. Raises ValueError for an address or subject that would break out of its header."""
        message = EmailMessage()
        message["From"] = SENDER
        message["To"] = self.to
        message["Subject"] = self.subject
        message["Message-ID"] = f"<{_token(self.id)}@{DOMAIN}>"
        message.set_content(self.text)
        return message


class Mailer(Protocol):
    """Hands an email over. Any exception means that it may not have been sent."""

    async def send(self, email: Email) -> None: ...


class Outbox:
    """One `.eml` file an email; one that is sent again replaces its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, email: Email) -> None:
        """Write the file, whole or not at all."""
        await asyncio.to_thread(self._write, email)

    def _write(self, email: Email) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{_token(email.id)}.eml"
        draft = file.with_suffix(".draft")
        draft.write_bytes(email.message().as_bytes())
        draft.replace(file)


class Smtp:
    """A mail server: `smtps://user:password@host:465`, or `smtp://…:587`, which uses STARTTLS where offered."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError(f"BFF_SMTP_URL must look like smtp://host:587 or smtps://host:465, not {parts.scheme}://…")
        self._secure = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._secure else 587)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")

    async def send(self, email: Email) -> None:
        """Deliver to the server. Raises `OSError` or `aiosmtplib.SMTPException`."""
        await aiosmtplib.send(
            email.message(),
            hostname=self._host,
            port=self._port,
            username=self._user or None,
            password=self._password or None,
            use_tls=self._secure,
            timeout=SMTP_TIMEOUT_S,
        )


def _token(email_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", email_id)[:200]
