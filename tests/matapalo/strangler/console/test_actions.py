"""What the console changes, by plain forms and by the page's script."""

import httpx
import pytest

from matapalo.strangler.console.session import form_token
from matapalo.strangler.rollout.client import Command
from matapalo.strangler.routing.route import Side
from tests.harness.tokens import token
from tests.matapalo.strangler.console.harness import OPERATOR, ORIGIN, send, send_by_script
from tests.matapalo.strangler.harness import Harness


async def share_bp(harness: Harness) -> int:
    return (await harness.services.changes.document()).route("orders").share_bp


async def test_a_plain_form_sets_the_share_and_leads_back_to_it(harness: Harness, operator: httpx.AsyncClient) -> None:
    response = await send(operator, "split", percent="40", writes="legacy", revision="4", reason="the week was quiet")
    assert (response.status_code, response.headers["location"]) == (303, "/console/routes/orders?done=split#split")
    (newest, *_) = await harness.services.changes.history("orders")
    assert (newest.by, newest.why, newest.after.share_bp) == ("ops", "the week was quiet", 4_000)
    page = await operator.get(response.headers["location"])
    assert "✓ Done." in page.text
    assert "40\u202f%" in page.text


async def test_a_script_is_told_in_json_what_was_done(harness: Harness, operator: httpx.AsyncClient) -> None:
    response = await send_by_script(operator, "split", percent="12.5", writes="new", revision="4")
    assert response.json() == {"message": "Version 5: 12.5\u202f% of the users are on the new side."}
    assert (await harness.services.changes.document()).route("orders").writes is Side.NEW


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
async def test_a_write_from_another_site_is_refused(
    harness: Harness, operator: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    fields = {"token": form_token(OPERATOR), "percent": "40", "writes": "legacy", "revision": "4", "reason": "x"}
    response = await operator.post("/console/routes/orders/split", data=fields, headers=headers)
    assert response.status_code == 403
    assert await share_bp(harness) == 2_500


@pytest.mark.parametrize(
    "sent_token",
    ["", "0" * 64, form_token(token("another", role="operator"))],
    ids=["none", "zeros", "anothers"],
)
async def test_a_write_without_this_sessions_form_token_is_refused(
    harness: Harness, operator: httpx.AsyncClient, sent_token: str
) -> None:
    response = await send(operator, "split", percent="40", writes="legacy", revision="4", token=sent_token)
    assert response.status_code == 403
    assert "this form belongs to another session" in response.text
    assert await share_bp(harness) == 2_500


async def test_without_a_session_nothing_is_written(harness: Harness, visitor: httpx.AsyncClient) -> None:
    plain = await send(visitor, "split", percent="40", writes="legacy", revision="4")
    assert (plain.status_code, plain.headers["location"]) == (303, "/console/login?next=/console/routes/orders")
    script = await send_by_script(visitor, "split", percent="40", writes="legacy", revision="4")
    assert script.status_code == 401
    assert await share_bp(harness) == 2_500


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"reason": "  "}, "say why: the reason is kept in the history"),
        ({"reason": "x" * 501}, "500 are enough"),
        ({"percent": "lots"}, "give a percentage from 0 to 100"),
        ({"percent": "101"}, "give a percentage from 0 to 100"),
        ({"percent": "0.001"}, "at most two decimals"),
        ({"percent": "NaN"}, "give a percentage from 0 to 100"),
        ({"percent": "1e999999"}, "give a percentage from 0 to 100"),
        ({"percent": "-1"}, "give a percentage from 0 to 100"),
        ({"percent": "٤٠"}, "give a percentage from 0 to 100"),
        ({"percent": "1e9"}, "give a percentage from 0 to 100"),
        ({"writes": "both"}, "choose new, legacy, or with the share"),
        ({"writes": ""}, "writes would be split"),
        ({"revision": "x"}, "load the page again"),
    ],
)
async def test_a_refusal_stands_next_to_its_button_with_what_was_typed(
    harness: Harness, operator: httpx.AsyncClient, fields: dict[str, str], sentence: str
) -> None:
    good = {"percent": "40", "writes": "legacy", "revision": "4", "reason": "because"}
    response = await send(operator, "split", **{**good, **fields})
    assert response.status_code == 422
    outcome = response.text.partition('id="outcome-split"')[2].partition("</p>")[0]
    assert 'role="alert"' in outcome
    assert sentence in outcome.replace("&#39;", "'")
    typed = {**good, **fields}["percent"]
    assert f'name="percent" inputmode="decimal" size="6" value="{typed}"' in response.text
    assert await share_bp(harness) == 2_500
    script = await send_by_script(operator, "split", **{**good, **fields})
    assert (script.status_code, sentence in script.json()["message"]) == (422, True)


async def test_a_change_made_from_an_older_state_is_refused(harness: Harness, operator: httpx.AsyncClient) -> None:
    response = await send_by_script(operator, "split", percent="40", writes="legacy", revision="3")
    assert response.status_code == 409
    assert "was changed at version 4, and you saw it at 3" in response.json()["message"]
    assert await share_bp(harness) == 2_500


async def test_each_rollback_goes_one_change_further_back(harness: Harness, operator: httpx.AsyncClient) -> None:
    await send(operator, "rollback", revision="4")
    assert await share_bp(harness) == 500
    await send(operator, "rollback", revision="5")
    assert await share_bp(harness) == 100


async def test_any_version_of_the_history_can_be_restored(harness: Harness, operator: httpx.AsyncClient) -> None:
    response = await send(operator, "restore", to_version="2", revision="4")
    assert response.headers["location"] == "/console/routes/orders?done=restore-2#restore"
    assert await share_bp(harness) == 100


async def test_a_plan_is_started_held_and_rolled_back_with_a_reason(
    harness: Harness, operator: httpx.AsyncClient
) -> None:
    assert (await send(operator, "start", plan="5% for 1 day, 100%")).status_code == 303
    assert (await send(operator, "rollout", command="hold", reason="")).status_code == 303
    without = await send_by_script(operator, "rollout", command="rollback", reason="")
    assert (without.status_code, without.json()["message"]) == (422, "say why: the reason is kept in the history")
    assert (await send(operator, "rollout", command="rollback", reason="complaints")).status_code == 303
    assert (await send(operator, "rollout", command="burn")).status_code == 422
    assert harness.rollouts.commands == [
        ("orders", "5% for 1 day, 100%", "ops", "a test", None, None),
        ("orders", Command.HOLD, "ops", "hold at the console"),
        ("orders", Command.ROLLBACK, "ops", "complaints"),
    ]


async def test_a_side_that_is_needed_is_not_removed(harness: Harness, operator: httpx.AsyncClient) -> None:
    response = await send_by_script(operator, "decommission")
    assert response.status_code == 409
    assert "legacy was reached within 7 days by pos 3.1.0" in response.json()["message"]
    assert not (await harness.services.changes.document()).route("orders").retired


async def test_a_side_that_is_dead_is_removed(harness: Harness, operator: httpx.AsyncClient) -> None:
    fields = {"token": form_token(OPERATOR), "reason": "a quiet month"}
    response = await operator.post("/console/routes/customers/decommission", data=fields, headers=ORIGIN)
    assert response.status_code == 303
    (newest, *_) = await harness.services.changes.history("customers")
    assert (newest.after.retired, newest.by, newest.why) == (True, "ops", "a quiet month")


async def test_without_the_store_a_write_says_so(harness: Harness, operator: httpx.AsyncClient) -> None:
    harness.store.is_down = True
    fields = {"percent": "40", "writes": "legacy", "revision": "4"}
    assert (await send_by_script(operator, "split", **fields)).status_code == 503
    plain = await send(operator, "split", **fields)
    assert plain.status_code == 503
    assert "Redis does not answer" in plain.text


async def test_a_body_that_is_too_large_or_no_form_is_refused(operator: httpx.AsyncClient) -> None:
    headers = {**ORIGIN, "x-console-token": form_token(OPERATOR)}
    for body in (b"x" * 20_000, b"reason=\xff\xfe", b"&".join(b"a=1" for _ in range(50))):
        response = await operator.post("/console/routes/orders/split", content=body, headers=headers)
        assert response.status_code == 422
