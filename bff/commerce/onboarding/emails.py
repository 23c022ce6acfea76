"""The letters of an onboarding, in plain text."""

from bff.commerce.mail import Email
from bff.commerce.onboarding.messages import LetterKind, WriteLetter

_SUBJECTS = {
    LetterKind.CONFIRM: "Please confirm your e-mail address",
    LetterKind.REMIND: "Your registration is about to expire",
    LetterKind.ALREADY_A_CUSTOMER: "You are a customer already",
}
_TEXTS = {
    LetterKind.CONFIRM: (
        "welcome! Confirm your e-mail address within seven days with this code:\n\n"
        "{token}\n\n"
        "If you did not register, ignore this letter: without the code nothing happens.\n"
    ),
    LetterKind.REMIND: (
        "your e-mail address is not confirmed yet. Without this code your registration will be removed:\n\n{token}\n"
    ),
    LetterKind.ALREADY_A_CUSTOMER: (
        "somebody, most likely you, registered with this e-mail address. It has an account, or a registration that\n"
        "waits for its confirmation: sign in, or look for our letter with the code.\n"
    ),
}


def letter(wanted: WriteLetter, *, token: str, letter_id: str) -> Email:
    """The letter to send. ``token`` is not in every one."""
    text = _TEXTS[wanted.kind].format(token=token)
    return Email(
        id=letter_id,
        to=wanted.customer.email,
        subject=_SUBJECTS[wanted.kind],
        text=f"Hello {wanted.customer.name},\n\n{text}",
    )
