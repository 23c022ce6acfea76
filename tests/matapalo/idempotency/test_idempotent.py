"""Idempotent mutations as clients see them: through the endpoint, over keys in memory."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from matapalo.errors import BadUserInput, UpstreamTimeout
from matapalo.idempotency.runner import RETENTION
from tests.harness.asgi import conversation, http_scope
from tests.harness.eventually import eventually
from tests.matapalo.idempotency.harness import Harness, Ledger

PAY = "mutation ($amount: Int! = 5) { pay(amount: $amount) { id amount } }"
JSON = "application/json"


async def test_a_repeat_gets_the_first_result_without_a_second_effect():
    harness = Harness()
    first, again = await harness.send(PAY, "k"), await harness.send(PAY, "k")
    assert first.json()["data"] == again.json()["data"] == {"pay": {"id": "pay_0_5", "amount": 5}}
    assert len(harness.ledger.claims) == 1
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


async def test_the_response_says_when_the_key_was_used_and_expires():
    harness = Harness()
    first, again = await harness.send(PAY, "k"), await harness.send(PAY, "k")
    report, repeated = (response.json()["extensions"]["idempotency"]["pay"] for response in (first, again))
    assert repeated == report | {"replayed": True}
    assert report["replayed"] is False
    assert report["attempt"] == 1
    assert datetime.fromisoformat(report["expiresAt"]) - datetime.fromisoformat(report["firstAt"]) == RETENTION


async def test_a_repeat_may_select_other_fields_and_other_names():
    harness = Harness()
    await harness.send(PAY, "k")
    again = await harness.send("mutation { paid: pay(amount: 5) { viewer note __typename } }", "k")
    assert again.json()["data"] == {"paid": {"viewer": "ana", "note": "Ada Lovelace", "__typename": "Payment"}}
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["8e03978e-40d5-43dd-bc93-6894a57f9324", '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
async def test_bare_quoted_and_directive_keys_are_the_same_key(key: str):
    harness = Harness()
    await harness.send(PAY, key)
    directive = f"mutation {{ pay(amount: 5) @idempotent(key: {json.dumps(key.strip(chr(34)))}) {{ id }} }}"
    assert (await harness.send(directive)).headers["idempotency-replayed"] == "true"


async def test_other_arguments_are_a_conflict_that_reveals_nothing():
    harness = Harness()
    await harness.send(PAY, "k")
    response = await harness.send(PAY, "k", variables={"amount": 6})
    assert (response.status, response.code()) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert "data" not in response.json()
    assert "5" not in response.json()["errors"][0]["message"]
    assert len(harness.ledger.charges) == 1
    assert (await harness.send(PAY, "k", variables={"amount": 6}, accept=JSON)).status == 200


async def test_a_default_equals_its_value_and_null_does_not():
    harness = Harness()
    await harness.send("mutation { tip { id } }", "k")
    assert (await harness.send("mutation { tip(amount: 1) { id } }", "k")).headers["idempotency-replayed"] == "true"
    await harness.send('mutation { pay(amount: 1, lines: {products: ["a"]}) { id } }', "k2")
    other = await harness.send('mutation { pay(amount: 1, lines: {products: ["a"], note: null}) { id } }', "k2")
    assert other.code() == "IDEMPOTENCY_KEY_REUSED"


async def test_keys_of_other_subjects_and_fields_are_other_keys():
    harness = Harness()
    await harness.send(PAY, "k")
    for query, viewer in ((PAY, "ben"), ("mutation { tip(amount: 5) { id } }", "ana")):
        response = await harness.send(query, "k", viewer=viewer)
        assert "idempotency-replayed" not in response.headers
    assert len(harness.ledger.charges) == 3


async def test_an_anonymous_client_has_keys_only_to_register():
    harness = Harness()
    assert (await harness.send(PAY, "k", viewer=None)).code() == "UNAUTHENTICATED"
    register = "mutation ($email: String!) { register(email: $email) { id } }"
    await harness.send(register, "k", variables={"email": "ana@example.org"}, viewer=None)
    other = await harness.send(register, "k", variables={"email": "ben@example.org"}, viewer=None)
    assert "idempotency-replayed" not in other.headers
    again = await harness.send(register, "k", variables={"email": "ana@example.org"}, viewer=None)
    assert again.headers["idempotency-replayed"] == "true"


async def test_without_a_required_key_nothing_runs_at_all():
    harness = Harness()
    response = await harness.send("mutation { tip { id } pay(amount: 1) { id } }")
    assert (response.status, response.code()) == (400, "IDEMPOTENCY_KEY_MISSING")
    assert harness.ledger.claims == []


async def test_without_an_optional_key_there_are_two_effects():
    harness = Harness()
    responses = [await harness.send("mutation { tip { id } }") for _ in range(2)]
    assert [response.json()["data"]["tip"]["id"] for response in responses] == ["pay_0_1", "pay_1_1"]
    assert "extensions" not in responses[0].json()


async def test_what_had_no_effect_may_be_corrected_under_the_same_key():
    harness = Harness()
    harness.ledger.fail = BadUserInput("amount: too much")
    assert (await harness.send(PAY, "k", variables={"amount": 600})).code() == "BAD_USER_INPUT"
    harness.ledger.fail = None
    corrected = await harness.send(PAY, "k", variables={"amount": 6})
    assert corrected.json()["data"]["pay"]["amount"] == 6


async def test_what_failed_ambiguously_is_resumed_and_has_one_effect():
    harness = Harness()
    harness.ledger.fail_after = UpstreamTimeout("payments did not answer")
    assert (await harness.send(PAY, "k")).code() == "UPSTREAM_TIMEOUT"
    assert (await harness.send(PAY, "k", variables={"amount": 6})).code() == "IDEMPOTENCY_KEY_REUSED"
    harness.ledger.fail_after = None
    resumed = await harness.send(PAY, "k")
    assert resumed.json()["extensions"]["idempotency"]["pay"]["attempt"] == 2
    assert len(harness.ledger.charges) == 1


async def test_what_is_unsafe_to_rerun_never_is():
    harness = Harness()
    wire = "mutation { wire(amount: 5) { id } }"
    harness.ledger.fail_after = UpstreamTimeout("the bank did not answer")
    assert (await harness.send(wire, "k")).code() == "UPSTREAM_TIMEOUT"
    harness.ledger.fail_after = None
    unknown = await harness.send(wire, "k")
    assert (unknown.status, unknown.code()) == (409, "IDEMPOTENCY_OUTCOME_UNKNOWN")
    assert "retry-after" not in unknown.headers
    assert len(harness.ledger.claims) == 1


async def test_a_second_request_waits_and_gets_the_first_result():
    harness = Harness()
    harness.ledger.gate.clear()
    first = asyncio.create_task(harness.send(PAY, "k"))
    await harness.ledger.entered.wait()
    second = asyncio.create_task(harness.send(PAY, "k"))
    await asyncio.sleep(0)
    harness.ledger.gate.set()
    assert (await first).json()["data"] == (await second).json()["data"]
    assert (await second).headers["idempotency-replayed"] == "true"


async def test_after_waiting_in_vain_there_is_a_retry_after():
    harness = Harness(wait=timedelta(milliseconds=30))
    harness.ledger.gate.clear()
    first = asyncio.create_task(harness.send(PAY, "k"))
    await harness.ledger.entered.wait()
    response = await harness.send(PAY, "k")
    assert (response.status, response.code(), response.headers["retry-after"]) == (409, "IDEMPOTENCY_IN_PROGRESS", "1")
    older = await harness.send(PAY, "k", accept=JSON)
    assert (older.status, older.headers["retry-after"]) == (200, "1")
    harness.ledger.gate.set()
    await first


async def test_the_deadline_does_not_cancel_the_mutation():
    harness = Harness(mutation_deadline_s=0.02)
    harness.ledger.gate.clear()
    late = await harness.send(PAY, "k")
    assert late.code() == "UPSTREAM_TIMEOUT"
    harness.ledger.gate.set()

    async def is_replayed() -> bool:
        return (await harness.send(PAY, "k")).headers.get("idempotency-replayed") == "true"

    await eventually(is_replayed, message="the repeat gets the first result")
    assert len(harness.ledger.claims) == 1


async def test_a_client_that_leaves_does_not_cancel_its_mutation():
    harness = Harness()
    harness.ledger.gate.clear()
    headers = {"accept": "text/event-stream", "authorization": "Bearer ana", "idempotency-key": "k"}
    scope = http_scope("POST", headers=headers | {"content-type": JSON})
    async with conversation(harness.endpoint, scope) as client:
        client.to_app.put_nowait({"type": "http.request", "body": json.dumps({"query": PAY}).encode()})
        await harness.ledger.entered.wait()
        client.leave()
    harness.ledger.gate.set()
    again = await harness.send(PAY, "k")
    assert again.json()["data"]["pay"]["id"] == "pay_0_5"
    assert len(harness.ledger.claims) == 1


async def test_each_root_field_has_a_record_of_its_own():
    harness = Harness()
    both = 'mutation { a: pay(amount: 1) @idempotent(key: "1") { id } b: tip(amount: 2) @idempotent(key: "2") { id } }'
    first = await harness.send('mutation { a: pay(amount: 1) @idempotent(key: "1") { id } }')
    second = await harness.send(both)
    third = await harness.send(both)
    assert first.json()["data"]["a"] == second.json()["data"]["a"]
    report = second.json()["extensions"]["idempotency"]
    assert (report["a"]["replayed"], report["b"]["replayed"]) == (True, False)
    assert "idempotency-replayed" not in second.headers
    assert third.headers["idempotency-replayed"] == "true"
    assert third.json()["data"] == second.json()["data"]


async def test_after_one_field_failed_the_document_can_be_sent_again():
    ledger = Ledger()
    harness = Harness(ledger=ledger)
    both = "mutation ($broken: Int!) { a: tip(amount: 1) { id } b: tip(amount: $broken) { id } }"
    original = ledger.charge

    async def fails_for_two(claim, amount):
        if amount == 2 and len(ledger.claims) < 2:
            ledger.claims.append(claim)
            raise UpstreamTimeout("payments did not answer")
        return await original(claim, amount)

    ledger.charge = fails_for_two  # type: ignore[method-assign]
    first = await harness.send(both, "k", variables={"broken": 2})
    assert (first.json()["data"]["a"]["id"], first.json()["data"]["b"]) == ("pay_0_1", None)
    again = await harness.send(both, "k", variables={"broken": 2})
    assert again.json()["data"] == {"a": {"id": "pay_0_1"}, "b": {"id": "pay_1_2"}}
    changed = await harness.send(both, "k", variables={"broken": 3})
    assert changed.json()["data"] == {"a": {"id": "pay_0_1"}, "b": None}
    assert changed.code() == "IDEMPOTENCY_KEY_REUSED"


async def test_defer_is_not_offered_on_mutations():
    response = await Harness().send("mutation { pay(amount: 1) { ... @defer { id } } }", "k")
    assert (response.status, response.code()) == (400, "GRAPHQL_VALIDATION_FAILED")
