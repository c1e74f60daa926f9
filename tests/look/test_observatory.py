"""The HTTP Observatory would give every door at least 125 of its points, errors included."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tests.look.observatory import Answer, score
from tests.runner.conftest import ROOT
from tipline.middleware import HEADERS

pytestmark = pytest.mark.django_db

TARGET = 125
DOORS = {
    "public": ["/", "/answers/", "/noted/", "/leave/", "/healthz", "/nowhere/", "/api/v1/", "/static/tipline.css"],
    "console": ["/", "/sign-in/", "/first/", "/healthz", "/nowhere/"],
    "pager": ["/", "/healthz", "/health/escalator", "/sms/gateway/"],
}
ROUTES = [(door, path) for door, paths in DOORS.items() for path in paths]
Ask = Callable[[str, str], Answer]


@pytest.fixture
def ask(settings, program) -> Ask:
    """What a door answers in a real installation, where the proxy speaks TLS."""
    settings.SECURE_HSTS_SECONDS = 63072000

    def _ask(door: str, path: str) -> Answer:
        settings.ROOT_URLCONF = f"tipline.urls_{door}"
        settings.MIDDLEWARE = getattr(settings, f"{door.upper()}_MIDDLEWARE")
        got = Client(raise_request_exception=False).get(path)
        headers = {name.lower(): value for name, value in got.headers.items()}
        body = b"".join(got) if got.streaming else got.content
        cookies = [morsel.OutputString() for morsel in got.cookies.values()]
        return Answer(headers, cookies, body.decode(errors="replace"))

    return _ask


@pytest.mark.parametrize(("door", "path"), ROUTES, ids=[f"{door}{path}" for door, path in ROUTES])
def test_every_door_has_the_score_of_the_observatory(ask: Ask, door: str, path: str):
    points, found = score(ask(door, path))
    print(f"\n{door}{path}: {points} ({', '.join(f'{name} {change:+d}' for name, change in found.items() if change)})")

    assert points >= TARGET, found


@pytest.mark.parametrize(("door", "path"), ROUTES, ids=[f"{door}{path}" for door, path in ROUTES])
def test_every_answer_says_its_kind_and_its_character_set(ask: Ask, door: str, path: str):
    kind = ask(door, path).headers.get("content-type")

    # ASVS 4.1.1. A redirect without a body has no kind to say.
    assert kind is None or re.search(r"charset=|^image/|^application/(json|problem\+json)|^font/", kind), kind


@pytest.mark.parametrize(
    ("name", "value", "cost"),
    [
        ("content-security-policy", "", 35),
        ("content-security-policy", "default-src 'none'; script-src 'unsafe-inline'", 35),
        ("strict-transport-security", "max-age=60", 10),
        ("referrer-policy", "unsafe-url", 10),
        ("access-control-allow-origin", "*", 50),
        ("x-content-type-options", "", 5),
        ("cross-origin-resource-policy", "cross-origin", 10),
    ],
)
def test_the_score_falls_with_a_header_that_is_weaker(name, value, cost):
    good = {key.lower(): said for key, said in HEADERS.items()} | {"strict-transport-security": "max-age=63072000"}
    before, after = score(Answer(good))[0], score(Answer(good | {name: value}))[0]

    assert before >= TARGET
    assert before - after >= cost


def test_a_cookie_without_its_locks_costs_points():
    good = {key.lower(): said for key, said in HEADERS.items()} | {"strict-transport-security": "max-age=63072000"}
    locked = "__Host-session=x; Secure; HttpOnly; SameSite=Lax; Path=/"

    assert score(Answer(good, [locked]))[0] == score(Answer(good))[0] + 5
    assert score(Answer(good, ["session=x; HttpOnly; SameSite=Lax"]))[0] < score(Answer(good))[0]


def test_plain_http_is_redirected_by_the_proxy():
    compose = (ROOT / "docker-compose.yml").read_text()

    # Caddy redirects by itself, unless it is told not to.
    assert "auto_https" not in compose
    assert "https://${TIPLINE_PUBLIC_HOST} {" in compose
