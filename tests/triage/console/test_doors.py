"""Who may go where: every address, tried by everybody who should not get in."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tipline.kernel import sealing
from triage.console import identity
from triage.models import AuditEntry, Case

pytestmark = pytest.mark.django_db

API_OF_A_CASE = ("", "text/", "take/")
OPEN_TO_ANYONE = {
    "healthz",
    "metrics",
    "sign-in/",
    "sign-in/code/",
    "sign-in/left/",
    "sign-in/passkey/",
    "first/",
    "first/words/",
    "styleguide/",
    # A program comes with a token, not with a session: tests/triage/test_api.py tries these.
    *(f"api/v1/{address}" for address in ("schema/", "cases/", *(f"cases/<uuid:case_id>/{n}" for n in API_OF_A_CASE))),
    r"api/^(?P<rest>.*)\Z",
}


def _routes(patterns=None, before=""):
    for each in patterns if patterns is not None else get_resolver("tipline.urls_console").url_patterns:
        if isinstance(each, URLResolver):
            yield from _routes(each.url_patterns, before + str(each.pattern))
        elif isinstance(each, URLPattern):
            yield before + str(each.pattern)


ROUTES = sorted(set(_routes()))
READ_ONLY = {"tips/<uuid:case_id>/card/", "tips/<uuid:case_id>/calls/", "keeping/tips/<uuid:case_id>/"}
OF_A_TIP = [route for route in ROUTES if "case_id" in route and not route.startswith("api/")]


def _address(route, case_id=None):
    address = route.replace("<uuid:case_id>", str(case_id or uuid4())).replace("<int:number>", "1")
    for named in ("user_id", "contact_id", "program_id", "token_id", "object_id", "shift_id", "erasure_id"):
        address = address.replace(f"<uuid:{named}>", str(uuid4()))
    return "/" + address


def test_the_walk_finds_the_addresses():
    assert len(ROUTES) >= 20
    assert len(OF_A_TIP) == 32
    assert set(ROUTES) >= OPEN_TO_ANYONE


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN_TO_ANYONE])
def test_a_stranger_is_sent_to_sign_in(route, method):
    answer = getattr(Client(), method)(_address(route), secure=True)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in OPEN_TO_ANYONE])
def test_somebody_with_the_pass_phrase_alone_is_a_stranger(route, ada):
    half = Client()
    half.post("/sign-in/", {"username": "ada", "pass_phrase": ada.phrase}, secure=True)

    answer = half.get(_address(route), secure=True)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


def test_a_tip_of_another_program_does_not_exist(sign_in, stranger, urgent):
    theirs = sign_in(stranger)
    data = {"reason": "test", "version": urgent.version, "text": "x", "after": 0, "why": "curious about it"}

    for route in OF_A_TIP:
        address = _address(route, urgent.pk)
        # What no coordinator may do is refused before anybody looks for the tip.
        refused = (403,) if route.startswith("keeping/") else (404, 405)
        assert theirs.post(address, data).status_code in refused, address
        assert theirs.get(address).status_code in refused, address

    urgent.refresh_from_db()
    assert urgent.status == "new"
    assert not AuditEntry.objects.filter(tip=urgent.tip_id).exists()
    assert str(urgent.pk) not in theirs.get("/").content.decode()


def test_a_tip_of_another_program_looks_like_one_that_never_was(sign_in, stranger, urgent):
    theirs = sign_in(stranger)

    foreign, missing = theirs.get(f"/tips/{urgent.pk}/"), theirs.get(f"/tips/{uuid4()}/")

    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


@pytest.mark.parametrize("route", [route for route in OF_A_TIP if route.count("/") == 3 and route not in READ_ONLY])
def test_nothing_is_changed_by_a_get(adas, urgent, route):
    assert adas.get(_address(route, urgent.pk)).status_code == 405

    urgent.refresh_from_db()
    assert urgent.version == Case.objects.get().version
    assert not AuditEntry.objects.filter(tip=urgent.tip_id).exists()


@pytest.mark.parametrize("route", [route for route in OF_A_TIP if route.count("/") == 3])
def test_every_act_needs_the_token_of_a_page(sign_in, ada, urgent, route):
    client = Client(enforce_csrf_checks=True)
    client.cookies = sign_in(ada).cookies

    answer = client.post(_address(route, urgent.pk), {"text": "x"}, secure=True)

    assert answer.status_code == 403
    assert "This page was open too long" in answer.content.decode()


@pytest.mark.parametrize("method", ["put", "delete", "patch", "trace"])
def test_methods_nobody_needs_are_refused(adas, urgent, method):
    for route in ROUTES:
        status = getattr(adas, method)(_address(route, urgent.pk)).status_code
        expected = {"api": (302, 401, 404, 405), "admin": (403, 405), "keeping": (403, 405)}.get(
            route.split("/")[0], (302, 405)
        )
        assert status in expected, route


def test_every_answer_carries_the_strict_headers(adas, urgent):
    pages = [
        adas.get("/"),
        adas.get(f"/tips/{urgent.pk}/"),
        adas.get(f"/tips/{uuid4()}/"),
        adas.post(f"/tips/{urgent.pk}/reply/", {}),
        adas.post(f"/tips/{urgent.pk}/open/"),
        Client().get("/sign-in/", secure=True),
        Client().get("/healthz", secure=True),
    ]

    for page in pages:
        assert "default-src 'none'" in page["Content-Security-Policy"]
        assert page["Cache-Control"] == "no-store" or page["Cache-Control"].endswith("no-store")
        assert page["Referrer-Policy"] == "same-origin"
        assert "charset" in page.get("Content-Type", "charset")


def test_no_page_carries_inline_script_or_style(adas, urgent):
    adas.post(f"/tips/{urgent.pk}/open/")

    for address in ("/", f"/tips/{urgent.pk}/", "/?show=closed"):
        page = adas.get(address).content.decode()
        assert "style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_key_of_another_tip_opens_nothing(adas, ada, urgent, noon):
    with pytest.raises(identity.NothingThere):
        identity.open_it(
            urgent,
            why="a reason long enough",
            by=ada.user,
            unlocked=type(adas.get("/").wsgi_request.vault)(ada.user.pk, b"x" * 96, {}),
            root_key=sealing.new_data_key(),
            now=noon,
        )
    assert not AuditEntry.objects.filter(event="identity_opened").exists()


def test_healthz_looks_at_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = Client().get("/healthz", secure=True)

    assert answer.content == b"ok\n"
