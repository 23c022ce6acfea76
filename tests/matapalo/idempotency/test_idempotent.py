"""Idempotent mutations as clients see them: through the endpoint, over keys in memory."""

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from matapalo.errors import BadUserInput, UpstreamTimeout
from matapalo.idempotency.once import KEPT_FOR
from tests.harness.asgi import conversation, http_scope
from tests.harness.waiting import eventually
from tests.matapalo.idempotency.shop import Ledger, Shop

PAY = "mutation ($amount: Int! = 5) { pay(amount: $amount) { id amount } }"
JSON = "application/json"


async def test_a_repeat_gets_the_first_answer_and_nothing_happens_again():
    shop = Shop()
    first, again = await shop.send(PAY, "k"), await shop.send(PAY, "k")
    assert first.json()["data"] == again.json()["data"] == {"pay": {"id": "pay_0_5", "amount": 5}}
    assert len(shop.ledger.claims) == 1
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


async def test_the_answer_tells_since_when_and_for_how_long_the_key_is_known():
    shop = Shop()
    first, again = await shop.send(PAY, "k"), await shop.send(PAY, "k")
    told, told_again = (answer.json()["extensions"]["idempotency"]["pay"] for answer in (first, again))
    assert told_again == told | {"replayed": True}
    assert told["replayed"] is False
    assert told["attempt"] == 1
    assert datetime.fromisoformat(told["expiresAt"]) - datetime.fromisoformat(told["firstAt"]) == KEPT_FOR


async def test_a_repeat_may_select_other_fields_and_other_names():
    shop = Shop()
    await shop.send(PAY, "k")
    again = await shop.send("mutation { paid: pay(amount: 5) { viewer note __typename } }", "k")
    assert again.json()["data"] == {"paid": {"viewer": "ana", "note": "Ada Lovelace", "__typename": "Payment"}}
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["8e03978e-40d5-43dd-bc93-6894a57f9324", '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
async def test_bare_quoted_and_directive_keys_are_the_same_key(key: str):
    shop = Shop()
    await shop.send(PAY, key)
    directive = f"mutation {{ pay(amount: 5) @idempotent(key: {json.dumps(key.strip(chr(34)))}) {{ id }} }}"
    assert (await shop.send(directive)).headers["idempotency-replayed"] == "true"


async def test_the_same_key_with_other_arguments_is_a_conflict_that_says_nothing_of_the_first():
    shop = Shop()
    await shop.send(PAY, "k")
    answer = await shop.send(PAY, "k", variables={"amount": 6})
    assert (answer.status, answer.code()) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert "data" not in answer.json()
    assert "5" not in answer.json()["errors"][0]["message"]
    assert len(shop.ledger.charges) == 1
    assert (await shop.send(PAY, "k", variables={"amount": 6}, accept=JSON)).status == 200


async def test_a_default_and_its_value_are_the_same_request_and_null_is_another():
    shop = Shop()
    await shop.send("mutation { tip { id } }", "k")
    assert (await shop.send("mutation { tip(amount: 1) { id } }", "k")).headers["idempotency-replayed"] == "true"
    await shop.send('mutation { pay(amount: 1, lines: {products: ["a"]}) { id } }', "k2")
    other = await shop.send('mutation { pay(amount: 1, lines: {products: ["a"], note: null}) { id } }', "k2")
    assert other.code() == "IDEMPOTENCY_KEY_REUSED"


async def test_keys_of_others_and_of_other_fields_are_other_keys():
    shop = Shop()
    await shop.send(PAY, "k")
    for query, viewer in ((PAY, "ben"), ("mutation { tip(amount: 5) { id } }", "ana")):
        answer = await shop.send(query, "k", viewer=viewer)
        assert "idempotency-replayed" not in answer.headers
    assert len(shop.ledger.charges) == 3


async def test_nobody_signed_in_has_no_keys_but_who_registers():
    shop = Shop()
    assert (await shop.send(PAY, "k", viewer=None)).code() == "UNAUTHENTICATED"
    register = "mutation ($email: String!) { register(email: $email) { id } }"
    await shop.send(register, "k", variables={"email": "ana@example.org"}, viewer=None)
    other = await shop.send(register, "k", variables={"email": "ben@example.org"}, viewer=None)
    assert "idempotency-replayed" not in other.headers
    again = await shop.send(register, "k", variables={"email": "ana@example.org"}, viewer=None)
    assert again.headers["idempotency-replayed"] == "true"


async def test_without_a_required_key_nothing_runs_at_all():
    shop = Shop()
    answer = await shop.send("mutation { tip { id } pay(amount: 1) { id } }")
    assert (answer.status, answer.code()) == (400, "IDEMPOTENCY_KEY_MISSING")
    assert shop.ledger.claims == []


async def test_an_optional_key_that_is_not_sent_makes_two_effects():
    shop = Shop()
    answers = [await shop.send("mutation { tip { id } }") for _ in range(2)]
    assert [answer.json()["data"]["tip"]["id"] for answer in answers] == ["pay_0_1", "pay_1_1"]
    assert "extensions" not in answers[0].json()


async def test_what_failed_cleanly_may_be_corrected_under_the_same_key():
    shop = Shop()
    shop.ledger.fail = BadUserInput("amount: too much")
    assert (await shop.send(PAY, "k", variables={"amount": 600})).code() == "BAD_USER_INPUT"
    shop.ledger.fail = None
    corrected = await shop.send(PAY, "k", variables={"amount": 6})
    assert corrected.json()["data"]["pay"]["amount"] == 6


async def test_what_failed_ambiguously_is_resumed_and_has_one_effect():
    shop = Shop()
    shop.ledger.fail_after = UpstreamTimeout("payments did not answer")
    assert (await shop.send(PAY, "k")).code() == "UPSTREAM_TIMEOUT"
    assert (await shop.send(PAY, "k", variables={"amount": 6})).code() == "IDEMPOTENCY_KEY_REUSED"
    shop.ledger.fail_after = None
    resumed = await shop.send(PAY, "k")
    assert resumed.json()["extensions"]["idempotency"]["pay"]["attempt"] == 2
    assert len(shop.ledger.charges) == 1


async def test_what_has_no_truth_elsewhere_is_never_done_again():
    shop = Shop()
    wire = "mutation { wire(amount: 5) { id } }"
    shop.ledger.fail_after = UpstreamTimeout("the bank did not answer")
    assert (await shop.send(wire, "k")).code() == "UPSTREAM_TIMEOUT"
    shop.ledger.fail_after = None
    unknown = await shop.send(wire, "k")
    assert (unknown.status, unknown.code()) == (409, "IDEMPOTENCY_OUTCOME_UNKNOWN")
    assert "retry-after" not in unknown.headers
    assert len(shop.ledger.claims) == 1


async def test_a_second_request_waits_for_the_first_and_gets_its_answer():
    shop = Shop()
    shop.ledger.gate.clear()
    first = asyncio.create_task(shop.send(PAY, "k"))
    await shop.ledger.entered.wait()
    second = asyncio.create_task(shop.send(PAY, "k"))
    await asyncio.sleep(0)
    shop.ledger.gate.set()
    assert (await first).json()["data"] == (await second).json()["data"]
    assert (await second).headers["idempotency-replayed"] == "true"


async def test_whoever_waits_in_vain_is_told_when_to_come_back():
    shop = Shop(wait=timedelta(milliseconds=30))
    shop.ledger.gate.clear()
    first = asyncio.create_task(shop.send(PAY, "k"))
    await shop.ledger.entered.wait()
    answer = await shop.send(PAY, "k")
    assert (answer.status, answer.code(), answer.headers["retry-after"]) == (409, "IDEMPOTENCY_IN_PROGRESS", "1")
    older = await shop.send(PAY, "k", accept=JSON)
    assert (older.status, older.headers["retry-after"]) == (200, "1")
    shop.ledger.gate.set()
    await first


async def test_the_deadline_of_an_operation_does_not_cancel_its_mutation():
    shop = Shop(mutation_deadline_s=0.02)
    shop.ledger.gate.clear()
    late = await shop.send(PAY, "k")
    assert late.code() == "UPSTREAM_TIMEOUT"
    shop.ledger.gate.set()

    async def answered() -> bool:
        return (await shop.send(PAY, "k")).headers.get("idempotency-replayed") == "true"

    await eventually(answered, message="the repeat gets the first answer")
    assert len(shop.ledger.claims) == 1


async def test_a_client_that_leaves_does_not_cancel_its_mutation():
    shop = Shop()
    shop.ledger.gate.clear()
    headers = {"accept": "text/event-stream", "authorization": "Bearer ana", "idempotency-key": "k"}
    scope = http_scope("POST", headers=headers | {"content-type": JSON})
    async with conversation(shop.endpoint, scope) as client:
        client.to_app.put_nowait({"type": "http.request", "body": json.dumps({"query": PAY}).encode()})
        await shop.ledger.entered.wait()
        client.leave()
    shop.ledger.gate.set()
    again = await shop.send(PAY, "k")
    assert again.json()["data"]["pay"]["id"] == "pay_0_5"
    assert len(shop.ledger.claims) == 1


async def test_each_root_field_is_remembered_by_itself():
    shop = Shop()
    both = 'mutation { a: pay(amount: 1) @idempotent(key: "1") { id } b: tip(amount: 2) @idempotent(key: "2") { id } }'
    first = await shop.send('mutation { a: pay(amount: 1) @idempotent(key: "1") { id } }')
    second = await shop.send(both)
    third = await shop.send(both)
    assert first.json()["data"]["a"] == second.json()["data"]["a"]
    told = second.json()["extensions"]["idempotency"]
    assert (told["a"]["replayed"], told["b"]["replayed"]) == (True, False)
    assert "idempotency-replayed" not in second.headers
    assert third.headers["idempotency-replayed"] == "true"
    assert third.json()["data"] == second.json()["data"]


async def test_after_a_second_field_failed_the_whole_document_can_be_sent_again():
    ledger = Ledger()
    shop = Shop(ledger=ledger)
    both = "mutation ($broken: Int!) { a: tip(amount: 1) { id } b: tip(amount: $broken) { id } }"
    original = ledger.charge

    async def fails_for_two(claim, amount):
        if amount == 2 and len(ledger.claims) < 2:
            ledger.claims.append(claim)
            raise UpstreamTimeout("payments did not answer")
        return await original(claim, amount)

    ledger.charge = fails_for_two  # type: ignore[method-assign]
    first = await shop.send(both, "k", variables={"broken": 2})
    assert (first.json()["data"]["a"]["id"], first.json()["data"]["b"]) == ("pay_0_1", None)
    again = await shop.send(both, "k", variables={"broken": 2})
    assert again.json()["data"] == {"a": {"id": "pay_0_1"}, "b": {"id": "pay_1_2"}}
    changed = await shop.send(both, "k", variables={"broken": 3})
    assert changed.json()["data"] == {"a": {"id": "pay_0_1"}, "b": None}
    assert changed.code() == "IDEMPOTENCY_KEY_REUSED"


async def test_defer_is_not_offered_on_mutations():
    answer = await Shop().send("mutation { pay(amount: 1) { ... @defer { id } } }", "k")
    assert (answer.status, answer.code()) == (400, "GRAPHQL_VALIDATION_FAILED")
