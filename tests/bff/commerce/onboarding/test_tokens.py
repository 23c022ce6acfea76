"""The code in a confirmation letter."""

import pytest

from bff.commerce.onboarding.tokens import record_of, token_of

OLD, NEW = "the old secret, at least 32 characters", "the new secret, at least 32 characters"
RECORD = "0123456789abcdef" * 4


def test_a_token_leads_to_its_record_also_after_the_secret_was_rotated():
    token = token_of(OLD, RECORD)
    assert len(token) == 64
    assert record_of([OLD], token) == RECORD
    assert record_of([NEW, OLD], token) == RECORD
    assert record_of([NEW], token) is None


@pytest.mark.parametrize("token", ["", "A" * 64, "not base64!", "é", RECORD, "A" * 10_000])
def test_what_we_did_not_write_leads_nowhere(token: str):
    assert record_of([OLD], token) is None


def test_a_record_alone_is_no_token_and_a_changed_one_is_none():
    token = token_of(OLD, RECORD)
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    assert record_of([OLD], changed) is None
