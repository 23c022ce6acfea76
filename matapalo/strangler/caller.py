"""Who calls the control plane, by the platform's token rules (`matapalo.auth`), and where its keys are.

Raises the strangler's own errors: Unauthenticated with the reason, InvalidSettings for a key set that cannot be used.
"""

from typing import NamedTuple

from matapalo import errors
from matapalo.auth.keys import KeysAt, KeySource, public_key_set
from matapalo.auth.tokens import Tokens
from matapalo.strangler.errors import Forbidden, InvalidSettings, Unauthenticated
from matapalo.strangler.settings import Settings


class Caller(NamedTuple):
    subject: str
    role: str


class TokenVerifier:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def verify(self, authorization: str | None) -> Caller:
        """The caller of a request. Raises Unauthenticated."""
        try:
            viewer = await self._tokens.authenticate(authorization)
        except (errors.Unauthenticated, errors.UpstreamUnavailable) as error:
            raise Unauthenticated(error.message) from error
        if viewer.subject is None:
            raise Unauthenticated("send a token: Authorization: Bearer …")
        return Caller(viewer.subject, viewer.role)

    async def verify_operator(self, authorization: str | None) -> Caller:
        """The caller of a request that only operators may make. Raises Unauthenticated, Forbidden."""
        caller = await self.verify(authorization)
        if caller.role != "operator":
            raise Forbidden(f"this needs a token with role operator, and this one's role is {caller.role!r}")
        return caller


def key_source(settings: Settings) -> KeySource:
    """The keys of this process. Raises InvalidSettings when the file is unreadable or no set of public keys."""
    if settings.jwks_url is not None:
        return KeysAt(settings.jwks_url)
    path = settings.jwks_file
    assert path is not None, "the settings insist on one of the two"  # noqa: S101 - narrows the type
    try:
        return public_key_set(path.read_bytes())
    except OSError as error:
        raise InvalidSettings([f"GATEWAY_JWKS_FILE {str(path)!r} cannot be read: {error.strerror}"]) from error
    except ValueError as error:
        raise InvalidSettings([f"GATEWAY_JWKS_FILE {str(path)!r} {error}"]) from error
