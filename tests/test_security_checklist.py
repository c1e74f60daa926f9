"""Every line of the checklist has a test that exists, or a reason; and the few that have no better place are here."""

import re
from pathlib import Path

import pytest
from django.test import Client

from tests.test_threat_model import NAMED
from tipline.middleware import CONTENT_SECURITY_POLICY, HEADERS

ROOT = Path(__file__).parents[1]
LIST = ROOT / "docs" / "security-checklist.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in LIST.read_text().splitlines()
    if re.match(r"\| [AV]\d", line)
]


def test_every_anonymity_item_is_there():
    items = {item for row in ROWS for item in re.findall(r"A\d+", row[0])}

    assert items == {f"A{number}" for number in range(1, 19)}
    assert len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_line_has_a_test_that_exists_or_a_reason(row):
    file, missing = "", []
    named = list(NAMED.finditer(row[2]))
    for match in named:
        file = match[1] or file
        sources = [path.read_text() for path in (ROOT / "tests").rglob("*.py") if f"/{path}".endswith(f"/{file}")]
        if not any(f"def {match[2]}(" in source for source in sources):
            missing.append(f"{file}::{match[2]}")

    assert missing == []
    reason = re.search(r"reason: (.+)", row[2])
    elsewhere = re.search(r"\bas (A\d+)", row[2])
    assert (
        named or (reason and len(reason[1]) > 30) or (elsewhere and elsewhere[1] in {r[0].split(",")[0] for r in ROWS})
    )


def test_the_headers_are_those_of_the_list():
    for wanted in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert wanted in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    wanted = {
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    assert wanted.items() <= HEADERS.items()
    assert "noindex" in HEADERS["X-Robots-Tag"]
    for denied in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb"):
        assert f"{denied}=()" in HEADERS["Permissions-Policy"]


def test_the_form_says_what_we_cannot_protect_from(street: Client, program):
    page = street.get("/").content.decode()

    for said in ("checks your phone", "school or work device or network", "only you could know", "your name"):
        assert said in page
    assert "Your network can see that you were here" in page or "your network can see that you were here" in page


@pytest.mark.parametrize("path", ["/sign-in/", "/first/", "/people/", "/tips/", "/admin/", "/metrics", "/jobs/"])
def test_no_page_of_the_staff_is_at_the_public_door(street: Client, program, path):
    assert street.get(path).status_code == 404


@pytest.mark.parametrize("door", ["public", "pager"])
def test_no_door_traces(settings, program, door):
    settings.ROOT_URLCONF = f"tipline.urls_{door}"
    settings.MIDDLEWARE = getattr(settings, f"{door.upper()}_MIDDLEWARE")
    said = Client(raise_request_exception=False).generic("TRACE", "/", headers={"x-mark": "echo-me"})

    assert said.status_code in {404, 405}
    assert b"echo-me" not in said.content


@pytest.mark.parametrize("script", sorted((ROOT / "static").glob("*.js")), ids=lambda path: path.name)
def test_no_script_keeps_anything_in_the_browser(script):
    source = script.read_text()

    assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.|serviceWorker", source)
