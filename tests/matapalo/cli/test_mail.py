"""Emails of the development outbox in the terminal."""

from email.message import EmailMessage

from matapalo.launcher.platform import Platform
from tests.matapalo.cli.conftest import Command


def test_mail_lists_what_was_sent_and_prints_one(matapalo: Command, local: Platform) -> None:
    assert "no email" in matapalo("mail", data=local.data.root).stdout
    message = EmailMessage()
    message["To"], message["Subject"] = "ana@example.com", "Your order ord_1 is on its way"
    message.set_content("Hello Ana,\nit left today.\n")
    (local.data.outbox / "1.eml").write_bytes(bytes(message))
    assert "Your order ord_1" in matapalo("mail", data=local.data.root).stdout
    assert "it left today." in matapalo("mail", "1", data=local.data.root).stdout
    missing = matapalo("mail", "2", data=local.data.root)
    assert (missing.returncode, "no email 2: choose 1 to 1" in missing.stderr) == (2, True)
