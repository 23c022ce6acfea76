"""The emails of an onboarding, in plain text."""

from bff.commerce.mail import Email
from bff.commerce.onboarding.messages import EmailTemplate, SendEmail

_SUBJECTS = {
    EmailTemplate.CONFIRM: "Please confirm your e-mail address",
    EmailTemplate.REMIND: "Your registration is about to expire",
    EmailTemplate.ALREADY_A_CUSTOMER: "You are a customer already",
}
_TEXTS = {
    EmailTemplate.CONFIRM: (
        "welcome! Confirm your e-mail address within seven days with this code:\n\n"
        "{token}\n\n"
        "If you did not register, ignore this email: without the code nothing happens.\n"
    ),
    EmailTemplate.REMIND: (
        "your e-mail address is not confirmed yet. Without this code your registration will be removed:\n\n{token}\n"
    ),
    EmailTemplate.ALREADY_A_CUSTOMER: (
        "someone, most likely you, registered with this e-mail address. It has an account, or a registration that\n"
        "waits for its confirmation: sign in, or look for our email with the code.\n"
    ),
}


def onboarding_email(request: SendEmail, *, token: str, email_id: str) -> Email:
    """The email to send. ``token`` is not in every one."""
    text = _TEXTS[request.template].format(token=token)
    return Email(
        id=email_id,
        to=request.customer.email,
        subject=_SUBJECTS[request.template],
        text=f"Hello {request.customer.name},\n\n{text}",
    )
