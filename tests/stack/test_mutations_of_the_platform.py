"""Every mutation but `placeOrder` through the edge, on the real engines: its response and its effects."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.harness.eventually import eventually_sync
from tests.harness.platform import Platform

pytestmark = pytest.mark.stack


def run(platform: Platform, name: str, who: Mapping[str, str], key: str | None = None, **variables: Any) -> Any:
    """A committed operation of the web client."""
    headers = dict(who) | ({"idempotency-key": key} if key else {})
    return platform.graphql("web", {"query": platform.operation("web", name), "variables": variables}, headers)


def ended(platform: Platform, name: str, who: Mapping[str, str], key: str | None = None, **variables: Any) -> Any:
    """The payload when it is no longer pending: the same key (or the same question) asks again."""

    def settled() -> Any:
        (payload,) = run(platform, name, who, key, **variables).data.values()
        return payload if not payload["__typename"].endswith("Pending") else None

    return eventually_sync(settled, deadline_s=30, message=f"{name} is never more than pending")


def placed(platform: Platform, who: Mapping[str, str], product: str = "prod_0009") -> str:
    order = {"items": [{"productId": product, "quantity": 1}]}
    payload = ended(platform, "PlaceOrder", who, str(uuid.uuid4()), input=order)
    assert payload["__typename"] == "OrderPlaced", payload
    return str(payload["order"]["id"])


def customer_with_a_pending_order(platform: Platform) -> tuple[str, str]:
    query = "{ orders(first: 50, status: PENDING) { nodes { id customer { id } } } }"
    nodes = platform.graphql("web", {"query": query}, platform.staff("operator")).data["orders"]["nodes"]
    of_the_seed = [node for node in nodes if re.fullmatch(r"ord_\d{5}", node["id"])]
    return of_the_seed[0]["customer"]["id"], of_the_seed[0]["id"]


def test_a_cancelled_order_is_refunded_and_its_stock_is_free(platform: Platform) -> None:
    me = platform.customer("cust_0011")
    order = placed(platform, me)

    cancelled = ended(platform, "CancelOrder", me, orderId=order, reason="ordered twice")

    assert cancelled["__typename"] == "OrderCancelled"
    assert cancelled["order"]["cancelReason"] == "ordered twice"
    assert cancelled["order"]["payment"] == {"status": "REFUNDED"}
    again = ended(platform, "CancelOrder", me, orderId=order, reason="again")
    assert again["order"]["cancelReason"] == "ordered twice"


def test_an_order_that_has_left_the_warehouse_is_not_cancelled(platform: Platform) -> None:
    me = platform.customer("cust_0012")
    order = placed(platform, me)
    confirm = {
        "query": "mutation($id: ID!) { confirmWarehouse(orderId: $id) { __typename } }",
        "variables": {"id": order},
    }
    platform.graphql("web", confirm, platform.staff("warehouse"))

    def refused() -> Any:
        payload = ended(platform, "CancelOrder", me, orderId=order)
        assert payload["__typename"] == "OrderNotCancellable"
        return payload["order"]["status"] == "SHIPPED"

    eventually_sync(refused, deadline_s=20, message="the order is shipped")


def test_an_order_of_another_customer_does_not_exist(platform: Platform) -> None:
    order = placed(platform, platform.customer("cust_0013"))
    stranger = platform.customer("cust_0014")
    assert run(platform, "CancelOrder", stranger, orderId=order).codes == ["NOT_FOUND"]
    assert run(platform, "Reorder", stranger, str(uuid.uuid4()), orderId=order).codes == ["NOT_FOUND"]
    pay = {"orderId": order}
    assert run(platform, "CreatePayment", stranger, str(uuid.uuid4()), input=pay).codes == ["NOT_FOUND"]
    assert run(platform, "Workflow", stranger, id=order).codes == ["FORBIDDEN"]


def test_a_reorder_is_one_new_order_for_each_key(platform: Platform) -> None:
    me, key = platform.customer("cust_0015"), str(uuid.uuid4())
    order = placed(platform, me, "prod_0010")
    again = ended(platform, "Reorder", me, key, orderId=order)
    assert again["order"]["id"] != order
    repeat = ended(platform, "Reorder", me, key, orderId=order)
    assert (repeat["order"]["id"], repeat["replayed"]) == (again["order"]["id"], True)
    query = {"query": "query($id: ID!) { order(id: $id) { items { productName quantity } } }"}
    first, second = (
        platform.graphql("web", query | {"variables": {"id": order_id}}, me).data["order"]["items"]
        for order_id in (order, again["order"]["id"])
    )
    assert first == second


def test_the_app_reorders_and_cancels_by_persisted_operations(platform: Platform) -> None:
    me, key = platform.customer("cust_0016"), str(uuid.uuid4())
    order = placed(platform, me)

    def settled() -> Any:
        params = platform.persisted("Reorder") | {"variables": {"orderId": order}}
        payload = platform.graphql("mobile", params, me | {"idempotency-key": key}).data["reorder"]
        return payload if payload["__typename"] == "OrderPlaced" else None

    again = eventually_sync(settled, deadline_s=30, message="the order is never more than pending")
    params = platform.persisted("CancelOrder") | {"variables": {"orderId": again["order"]["id"]}}

    def cancelled() -> bool:
        payload = platform.graphql("mobile", params, me).data["cancelOrder"]
        return bool(payload["__typename"] == "OrderCancelled")

    eventually_sync(cancelled, deadline_s=30, message="the order is cancelled")


def test_an_order_is_paid_once(platform: Platform) -> None:
    customer, order = customer_with_a_pending_order(platform)
    me, key, pay = platform.customer(customer), str(uuid.uuid4()), {"orderId": order}

    declined = ended(platform, "CreatePayment", me, str(uuid.uuid4()), input=pay | {"paymentMethodId": "pm_declined"})
    assert declined["__typename"] == "PaymentRefused"
    paid = ended(platform, "CreatePayment", me, key, input=pay)
    assert paid["__typename"] == "PaymentCreated"
    assert ended(platform, "CreatePayment", me, key, input=pay) == paid
    other_key = ended(platform, "CreatePayment", me, str(uuid.uuid4()), input=pay)
    assert other_key["__typename"] == "OrderNotPayable"

    query = {"query": "query($id: ID!) { order(id: $id) { status payment { id } } }", "variables": {"id": order}}
    assert platform.graphql("web", query, me).data["order"] == {
        "status": "CONFIRMED",
        "payment": {"id": paid["payment"]["id"]},
    }


def test_a_profile_changes_where_it_is_told_to(platform: Platform) -> None:
    me = platform.customer("cust_0017")
    home = {"line1": "Rua Augusta 12", "city": "Lisboa", "postalCode": "1100-053", "country": "PT"}
    changed = ended(platform, "UpdateProfile", me, input={"address": home, "phone": None})["customer"]
    assert changed["address"] == home | {"line2": None}
    assert changed["phone"] is None
    wrong = run(platform, "UpdateProfile", me, input={"address": home | {"country": "Portugal"}})
    assert wrong.codes == ["BAD_USER_INPUT"]
    assert "input.address.country" in wrong.body["errors"][0]["message"]


def codes_in(platform: Platform, email: str) -> list[str]:
    """The confirmation codes in the emails to an address."""
    emails = [file.read_text() for file in (platform.data_dir / "outbox").glob("*.eml")]
    mine = [text.replace("=\n", "") for text in emails if f"To: {email}" in text]
    return [match[0] for text in mine if (match := re.search(r"^[A-Za-z0-9_.-]{71}$", text, re.MULTILINE))]


def test_a_customer_registers_confirms_and_is_welcomed(platform: Platform) -> None:
    email, key = f"ana.{uuid.uuid4().hex[:8]}@example.org", str(uuid.uuid4())
    who = {"name": "Ana Silva", "email": email}
    first = run(platform, "RegisterCustomer", {}, key, input=who)
    assert first.data["registerCustomer"]["__typename"] == "RegistrationReceived"
    assert run(platform, "RegisterCustomer", {}, key, input=who).headers["idempotency-replayed"] == "true"

    (code,) = eventually_sync(lambda: codes_in(platform, email), deadline_s=20, message="an email with a code")
    welcome = ended(platform, "ConfirmEmail", {}, token=code)
    assert welcome == {"__typename": "EmailConfirmed", "welcomePoints": 100}
    assert ended(platform, "ConfirmEmail", {}, token=code) == welcome

    def customer() -> Any:
        rows = platform.get(f"/api/customers?email={email}", platform.staff("operator")).body["items"]
        return rows[0] if rows and rows[0]["loyalty_points"] else None

    row = eventually_sync(customer, deadline_s=20, message="the welcome credit")
    assert (row["name"], row["loyalty_points"]) == ("Ana Silva", 100)


def test_registering_never_reveals_whether_an_address_is_taken(platform: Platform) -> None:
    taken, free = "leon.conti@example.com", f"free.{uuid.uuid4().hex[:8]}@example.org"
    responses = [
        run(platform, "RegisterCustomer", {}, str(uuid.uuid4()), input={"name": "Leon", "email": email})
        for email in (taken, free)
    ]
    assert responses[0].body["data"] == responses[1].body["data"]
    assert {response.status for response in responses} == {200}

    def is_sent() -> bool:
        return any(f"To: {taken}" in file.read_text() for file in (platform.data_dir / "outbox").glob("*.eml"))

    eventually_sync(is_sent, deadline_s=20, message="an email to the owner of the address")
    assert codes_in(platform, taken) == []


def test_a_forged_code_is_refused(platform: Platform) -> None:
    assert run(platform, "ConfirmEmail", {}, token="A" * 71).codes == ["BAD_USER_INPUT"]


def test_an_operator_inspects_the_workflow_of_an_order(platform: Platform) -> None:
    order = placed(platform, platform.customer("cust_0018"))
    operator = platform.staff("operator")
    inspected = eventually_sync(
        lambda: run(platform, "Workflow", operator, id=order).data["workflow"],
        deadline_s=20,
        message="the workflow is found by its order",
    )
    assert (inspected["state"]["type"], inspected["state"]["status"]) == ("FulfilOrder", "RUNNING")
    ids = [event["id"] for event in inspected["history"]["nodes"]]
    assert ids == list(range(1, len(ids) + 1))
    rest = run(platform, "Workflow", operator, id=inspected["id"], after="5").data["workflow"]["history"]["nodes"]
    assert rest[0]["id"] == 6
    assert "cust_0018" not in str(inspected["history"])
    assert run(platform, "Workflow", operator, id="placeOrder:none").data["workflow"] is None


def test_an_order_is_shown_and_followed_in_the_terminal(platform: Platform) -> None:
    order = placed(platform, platform.customer("cust_0023"))
    show = platform.run("orders", "show", order)
    assert show.returncode == 0, show.stderr
    assert "awaiting warehouse" in show.stdout
    assert "✓  charge" in show.stdout
    confirm = "mutation($id: ID!) { confirmWarehouse(orderId: $id) { __typename } }"
    platform.graphql("web", {"query": confirm, "variables": {"id": order}}, platform.staff("warehouse"))
    watch = platform.run("orders", "watch", order)
    assert watch.returncode == 0, watch.stderr
    steps = [text.split()[2] for text in watch.stdout.splitlines() if text.strip()]
    assert steps[0] == "create"
    assert steps[-1] == "finish"
    unknown = platform.run("orders", "watch", "ord_unknown")
    assert (unknown.returncode, unknown.stderr) == (1, "matapalo: there is no order ord_unknown\n")


def test_steps_that_redis_has_lost_come_from_the_workflow(platform: Platform) -> None:
    me = platform.customer("cust_0019")
    order = placed(platform, me)
    query = "query($id: ID!) { order(id: $id) { fulfilment { status steps { name state attempts } } } }"
    params = {"query": query, "variables": {"id": order}}

    def published() -> Any:
        fulfilment = platform.graphql("web", params, me).data["order"]["fulfilment"]
        return fulfilment if fulfilment and fulfilment["status"] == "AWAITING_WAREHOUSE" else None

    before = eventually_sync(published, deadline_s=20, message="the steps are published")
    assert [step["name"] for step in before["steps"]] == ["CREATE", "RESERVE", "CHARGE", "CONFIRM", "WAREHOUSE"]
    valkey(platform, "FLUSHALL")
    assert eventually_sync(published, deadline_s=20, message="the workflow is queried") == before


def test_an_order_is_listed_at_once_also_in_temporal(platform: Platform) -> None:
    me = platform.customer("cust_0020")
    order = placed(platform, me)
    query = {"query": "{ orders(first: 1) { nodes { id } } }"}
    assert platform.graphql("web", query, me).data["orders"]["nodes"] == [{"id": order}]

    def listed() -> Any:
        params = {"query": "CustomerId = 'cust_0020' AND OrderStatus = 'AWAITING_WAREHOUSE'"}
        url = f"{platform.url(8233)}/api/v1/namespaces/default/workflows"
        return httpx.get(url, params=params, timeout=10, trust_env=False).json().get("executions")

    (execution,) = eventually_sync(listed, deadline_s=20, message="visibility lists the order")
    assert execution["execution"]["workflowId"].startswith(f"placeOrder:{order.removeprefix('ord_')}")
    assert "@" not in str(execution["searchAttributes"])


def test_one_trace_leads_from_the_request_to_every_service(platform: Platform) -> None:
    trace = uuid.uuid4().hex
    me = platform.customer("cust_0021") | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    order = placed(platform, me)
    log = (platform.data_dir / "logs" / "subgraphs.log").read_text().splitlines()
    mine = [line for line in log if trace in line]
    for route in ("/api/orders", "/api/inventory/reservations", "/api/payments", "/confirm"):
        assert any(route in line for line in mine), f"{route} of {order} is not in trace {trace}"


def test_the_worker_shows_how_long_its_tasks_wait(platform: Platform) -> None:
    placed(platform, platform.customer("cust_0022"))
    exposed = httpx.get(f"{platform.url(8021)}/metrics", timeout=10, trust_env=False).text
    assert "temporal_workflow_task_schedule_to_start_latency" in exposed
    assert "temporal_local_activity_execution_latency" in exposed


def valkey(platform: Platform, command: str) -> None:
    with Redis(port=6390 + platform.offset) as redis:
        redis.execute_command(command)


def test_the_ui_of_temporal_works_without_the_outside_world(platform: Platform) -> None:
    page = httpx.get(platform.url(8233), timeout=10, follow_redirects=True, trust_env=False)
    assert page.status_code == 200
    assert not re.search(r"""(src|href)=["']https?://""", page.text)
    assets = re.findall(r"""(?:src|href|import\()=?["'](\.?/?[\w./-]+\.(?:js|css))["']""", page.text)
    assert assets
    for asset in assets:
        response = httpx.get(f"{platform.url(8233)}/{asset.lstrip('./')}", timeout=10, trust_env=False)
        assert response.status_code == 200, asset
