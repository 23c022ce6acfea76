"""What the web's mutations on customers take and return."""

from typing import Annotated, Any

import strawberry

from bff.commerce.customers.profile import ProfileUpdated
from bff.commerce.onboarding.register_customer import (
    ConfirmationPending,
    EmailConfirmed,
    RegistrationExpired,
    RegistrationReceived,
)
from bff.web.types.customer import WebCustomer
from matapalo import projection


@strawberry.input(name="AddressInput", description="A postal address.")
class WebAddressInput:
    line1: str = strawberry.field(description="Street and number.")
    line2: str | None = strawberry.field(default=None, description="Anything else the carrier needs to know.")
    city: str = strawberry.field(description="City or village.")
    postal_code: str = strawberry.field(description="Postal code, as written in the country.")
    country: str = strawberry.field(description="ISO 3166-1 alpha-2 code.")


@strawberry.input(name="PreferencesInput", description="A customer's preferences.")
class WebPreferencesInput:
    language: str = strawberry.field(description="ISO 639-1 code.")
    currency: str = strawberry.field(description="ISO 4217 code.")
    newsletter: bool = strawberry.field(description="Whether to send the newsletter.")


@strawberry.input(name="UpdateProfileInput", description="Changes of a profile: what is absent stays, null removes.")
class WebUpdateProfileInput:
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Full name; cannot be removed.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="Telephone number.")
    address: WebAddressInput | None = strawberry.field(default=strawberry.UNSET, description="Where parcels go.")
    preferences: WebPreferencesInput | None = strawberry.field(
        default=strawberry.UNSET, description="Language, currency, newsletter."
    )

    def changes(self) -> dict[str, Any]:
        """What is to change, by the service's names."""
        members: dict[str, Any] = {
            "name": self.name,
            "phone": self.phone,
            "address": self.address,
            "preferences": self.preferences,
        }
        return {
            name: strawberry.asdict(value) if isinstance(value, WebAddressInput | WebPreferencesInput) else value
            for name, value in members.items()
            if value is not strawberry.UNSET
        }


@projection(ProfileUpdated, name="ProfileUpdated", description="The profile is changed.")
class WebProfileUpdated:
    customer: WebCustomer = strawberry.field(description="The viewer as they are now.")


@strawberry.input(name="RegisterCustomerInput", description="A registration.")
class WebRegisterCustomerInput:
    name: str = strawberry.field(description="Full name.")
    email: str = strawberry.field(description="E-mail address; an email with a code is sent to it.")


@projection(
    RegistrationReceived,
    name="RegistrationReceived",
    description="An email is on its way to the address. The response is the same for an address that has an account.",
)
class WebRegistrationReceived:
    confirm_within_days: int = strawberry.field(description="For how many days the code in the email is good.")


@projection(EmailConfirmed, name="EmailConfirmed", description="The address is confirmed.")
class WebEmailConfirmed:
    welcome_points: int = strawberry.field(description="Loyalty points that come with it.")


@projection(ConfirmationPending, name="ConfirmationPending", description="Not decided yet: send the same code again.")
class WebConfirmationPending:
    poll_after_ms: int = strawberry.field(description="When to ask again, in milliseconds.")


@projection(RegistrationExpired, name="RegistrationExpired", description="The code is too old: register again.")
class WebRegistrationExpired:
    message: str = strawberry.field(description="For the customer to read.")


WebUpdateProfilePayload = Annotated[
    WebProfileUpdated, strawberry.union("UpdateProfilePayload", description="The result of `updateProfile`.")
]
WebRegisterCustomerPayload = Annotated[
    WebRegistrationReceived,
    strawberry.union("RegisterCustomerPayload", description="The result of `registerCustomer`."),
]
WebConfirmEmailPayload = Annotated[
    WebEmailConfirmed | WebConfirmationPending | WebRegistrationExpired,
    strawberry.union("ConfirmEmailPayload", description="The result of `confirmEmail`."),
]
