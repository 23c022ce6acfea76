"""In and out of the console."""

from datetime import timedelta

import httpx
import pytest

from tests.harness.tokens import bearer, token
from tests.matapalo.strangler.console.harness import OPERATOR, ORIGIN, sign_in
from tests.matapalo.strangler.harness import SITE, Harness


async def log_in(http: httpx.AsyncClient, operator_token: str, **changes: str) -> httpx.Response:
    fields = {"operator_token": operator_token, "next": changes.pop("next", "")}
    return await http.post("/console/login", data=fields, headers={**ORIGIN, **changes})


async def test_a_session_is_a_cookie_for_the_console_of_this_site_only(visitor: httpx.AsyncClient) -> None:
    response = await log_in(visitor, OPERATOR)
    assert (response.status_code, response.headers["location"]) == (303, "/console")
    attributes = response.headers["set-cookie"].split("; ")[1:]
    assert sorted(attributes) == ["HttpOnly", "Max-Age=28800", "Path=/console", "SameSite=strict"]
    assert (await visitor.get("/console")).status_code == 200


async def test_behind_tls_the_cookie_is_secure(visitor: httpx.AsyncClient) -> None:
    origin = SITE.replace("http:", "https:")
    response = await log_in(visitor, OPERATOR, origin=origin, **{"x-forwarded-proto": "https"})
    assert "Secure" in response.headers["set-cookie"].split("; ")


@pytest.mark.parametrize(
    ("operator_token", "sentence"),
    [
        ("", "Authorization must be"),
        ("nonsense", "the token a JWT"),
        (token("cust_0001"), "role is &#39;customer&#39;"),
        (token("svc", role="service"), "role is &#39;service&#39;"),
        (token("ops", role="operator", lifetime=timedelta(hours=-1)), "The token has expired"),
    ],
)
async def test_only_an_operators_token_opens_it(visitor: httpx.AsyncClient, operator_token: str, sentence: str) -> None:
    response = await log_in(visitor, operator_token)
    assert response.status_code in (401, 403)
    assert sentence in response.text
    assert "set-cookie" not in response.headers
    assert operator_token not in response.text or not operator_token


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://console.example", ""])
async def test_another_sites_form_signs_no_visitor_in(visitor: httpx.AsyncClient, origin: str) -> None:
    response = await log_in(visitor, OPERATOR, origin=origin)
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/console/routes/orders?minutes=60", "/console/routes/orders?minutes=60"),
        ("https://evil.example/console", "/console"),
        ("//evil.example", "/console"),
        ("/console\\@evil.example", "/console"),
        ("/consoleevil", "/console"),
        ("/console/login?next=/console/login", "/console"),
    ],
)
async def test_signing_in_leads_to_a_page_of_the_console(
    visitor: httpx.AsyncClient, target: str, leads_to: str
) -> None:
    assert (await log_in(visitor, OPERATOR, next=target)).headers["location"] == leads_to


async def minted(http: httpx.AsyncClient) -> str:
    response = await http.post("/admin/console/codes", headers=bearer("ops", role="operator"))
    assert response.status_code == 201
    return str(response.json()["path"])


async def test_a_code_opens_the_console_once(visitor: httpx.AsyncClient) -> None:
    path = await minted(visitor)
    first = await visitor.get(path)
    assert (first.status_code, first.headers["location"]) == (303, "/console")
    assert (await visitor.get("/console")).status_code == 200
    again = await visitor.get(path)
    assert again.status_code == 401
    assert "run `matapalo console` again" in again.text


async def test_a_link_on_another_site_signs_no_visitor_in(visitor: httpx.AsyncClient) -> None:
    path = await minted(visitor)
    response = await visitor.get(path, headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (bearer("cust_0001"), 403)])
async def test_only_operators_get_codes(visitor: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    response = await visitor.post("/admin/console/codes", headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


async def test_signing_out_needs_our_own_form_and_forgets_the_session(harness: Harness) -> None:
    async with harness.browser() as http:
        await sign_in(http)
        assert (await http.post("/console/logout", headers=ORIGIN)).status_code == 403
        assert (await http.get("/console")).status_code == 200
        page = (await http.get("/console")).text
        form_token = page.partition('name="token" value="')[2].partition('"')[0]
        response = await http.post("/console/logout", data={"token": form_token}, headers=ORIGIN)
        assert response.headers["location"] == "/console/login"
        assert (await http.get("/console")).status_code == 303
