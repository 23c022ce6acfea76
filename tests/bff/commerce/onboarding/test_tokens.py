"""The code in a confirmation email: signed, bound to a record, rotated with the secrets."""

import pytest

from bff.commerce.onboarding.tokens import confirmation_token, confirmed_record_id

OLD, NEW = "the old secret, at least 32 characters", "the new secret, at least 32 characters"
RECORD = "0123456789abcdef" * 4


def test_a_token_leads_to_its_record_also_after_a_rotation():
    token = confirmation_token([OLD], RECORD)
    assert len(token) == 71
    assert confirmed_record_id([OLD], token) == RECORD
    assert confirmed_record_id([NEW, OLD], token) == RECORD
    assert confirmed_record_id([NEW], token) is None


@pytest.mark.parametrize("token", ["", "A" * 64, "not base64!", "é", RECORD, "A" * 10_000])
def test_what_was_not_signed_leads_nowhere(token: str):
    assert confirmed_record_id([OLD], token) is None


def test_a_changed_token_leads_nowhere():
    token = confirmation_token([OLD], RECORD)
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    assert confirmed_record_id([OLD], changed) is None
