"""The onion service: offered by the ordinary site, silent about it, and honest about how a visit came."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client

from intake.channels import pages
from tests.runner.conftest import ROOT

ONION = "tipline" + "a" * 48 + "2.onion"
CLEAR = "tips.example"
PATHS = [
    "/",
    "/answers/",
    "/noted/",
    "/leave/",
    "/nowhere/",
    "/healthz",
    "/answers",
    "/answers/add/",
    "/api/v1/",
]
Ask = Callable[..., HttpResponse]


@pytest.fixture
def ask(settings, program, seeds, street: Client) -> Ask:
    """Ask the public door by a name: ask(ONION, "/")."""
    settings.ONION_HOST = ONION
    settings.ALLOWED_HOSTS = [CLEAR, "console.example", "127.0.0.1", ONION]
    settings.PUBLIC_URL, settings.CONSOLE_URL = f"https://{CLEAR}", "https://console.example"
    settings.SECURE_HSTS_SECONDS = 63072000
    pages._rendered.cache_clear()

    def _ask(host: str, path: str, *, post: dict[str, Any] | None = None, **more: str) -> HttpResponse:
        street.cookies.clear()
        if post is not None:
            return street.post(path, post, headers={"host": host}, **more)
        return street.get(path, headers={"host": host}, **more)

    return _ask


def test_the_onions_name_is_one_that_the_sender_can_check():
    assert len(ONION.removesuffix(".onion")) == 56
    assert django_settings.ONION_HOST == ""


@pytest.mark.parametrize("path", ["/", "/answers/", "/nowhere/"])
def test_every_page_of_the_ordinary_site_offers_the_same_page_of_the_onion(ask: Ask, path):
    assert ask(CLEAR, f"{path}?from=poster").headers["Onion-Location"] == f"http://{ONION}{path}"


def test_without_an_onion_nothing_is_offered(ask: Ask, settings):
    settings.ONION_HOST = ""

    assert "Onion-Location" not in ask(CLEAR, "/").headers


@pytest.mark.parametrize("path", PATHS)
def test_on_the_onion_nothing_names_the_ordinary_site(ask: Ask, path):
    said = ask(ONION, path)
    whole = said.content.decode() + " ".join(f"{name}: {value}" for name, value in said.headers.items())

    for name in (CLEAR, "console.example", "127.0.0.1", "localhost", "https://"):
        assert name not in whole, name
    assert "Onion-Location" not in said.headers
    assert "Strict-Transport-Security" not in said.headers
    assert not re.search(r"\b\d{1,3}(\.\d{1,3}){3}\b", whole)
    assert "Server" not in said.headers


@pytest.mark.parametrize("path", PATHS)
def test_on_the_onion_every_link_and_every_redirect_stays_there(ask: Ask, path):
    said = ask(ONION, path)
    there = re.findall(r'(?:href|src|action)="([^"]+)"', said.content.decode())
    there += [said.headers["Location"]] if "Location" in said.headers else []

    assert [link for link in there if not re.match(r"/(?!/)|#|tel:", link)] == []


@pytest.mark.parametrize(
    ("host", "more", "way"),
    [(CLEAR, {}, "clear"), (ONION, {}, "onion"), (ONION, {"HTTP_X_TOR2WEB": "1"}, "relayed")],
)
@pytest.mark.parametrize("path", ["/", "/answers/"])
def test_a_visit_is_told_how_it_came(ask: Ask, path, host, more, way):
    shown = ask(host, path, **more).content.decode()

    assert f'data-way="{way}"' in shown
    assert ("Anonymous." in shown) == (way == "onion")
    assert ("Confidential, not anonymous." in shown) == (way == "clear")
    # Told where the onion is, in words: a link would tell the next site where one came from.
    assert (f"<code>{ONION}</code>" in shown) == (way == "clear")
    assert f'href="http://{ONION}' not in shown


def test_the_kept_form_is_not_mixed_up_between_two_ways(ask: Ask):
    for host, way in [(CLEAR, "clear"), (ONION, "onion"), (CLEAR, "clear")]:
        assert f'data-way="{way}"' in ask(host, "/").content.decode()


def test_a_tip_is_sent_and_answered_on_the_onion_with_scripts_off(ask: Ask):
    form = ask(ONION, "/").content.decode()
    nonce = re.search(r'name="nonce" value="([^"]+)"', form)[1]  # type: ignore[index]
    sent = ask(ONION, "/", post={"nonce": nonce, "text": "They sell pills behind the rink"})
    words = " ".join(re.findall(r"<p data-secret>([^<]+)</p>", sent.content.decode())[:7])
    looked = ask(ONION, "/answers/", post={"phrase": words})

    assert "We have your message." in sent.content.decode()
    assert "Our answers" in looked.content.decode()
    # At "Safest" no script runs: every script is one that may be missing.
    for page in (form, sent.content.decode(), looked.content.decode()):
        assert "<noscript" not in page
        assert all("defer" in script for script in re.findall(r"<script[^>]*>", page))
    assert not ask(ONION, "/").cookies


def test_a_stranger_who_names_the_onion_in_another_header_changes_nothing(ask: Ask):
    assert 'data-way="clear"' in ask(CLEAR, "/", HTTP_X_FORWARDED_HOST=ONION).content.decode()


def test_compose_has_an_onion_service_that_defends_itself_and_keeps_no_log_of_visits():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    service, caddyfile = compose["services"]["tor"], compose["configs"]["caddyfile"]["content"]
    written = compose["configs"]["torrc"]["content"].splitlines()
    torrc = dict(line.split(None, 1) for line in written if not line.startswith("#"))

    assert service["profiles"] == ["tor"]
    assert torrc["HiddenServiceVersion"] == "3"
    assert torrc["HiddenServicePoWDefensesEnabled"] == "1"
    assert int(torrc["HiddenServicePoWQueueRate"]) < int(torrc["HiddenServicePoWQueueBurst"])
    assert (torrc["SocksPort"], torrc["SafeLogging"], torrc["Log"]) == ("0", "1", "err stderr")
    # Only the proxy answers it, on a port that nothing outside reaches.
    assert torrc["HiddenServicePort"] == "80 caddy:8080"
    assert "http://${TIPLINE_ONION_HOST:-unset.invalid}:8080 {" in caddyfile
    assert compose["services"]["caddy"]["ports"] == ["80:80", "443:443"]
    assert set(service["networks"]) == {"onion", "onion-out"}
    assert compose["networks"]["onion"]["internal"] is True
    assert {name for name, each in compose["services"].items() if "onion" in each.get("networks", [])} == {
        "tor",
        "caddy",
    }
    assert "ports" not in service
    assert torrc["HiddenServiceDir"].startswith(service["volumes"][0].partition(":")[2])
