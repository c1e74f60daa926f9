"""Every form, filled in with what nobody would type: no answer is a fault, and what was typed is not lost."""

import html
import os
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from intake.channels import nonce
from intake.channels.forms import LONG, SHORT, FollowUpForm, TipForm
from intake.message import storable
from tests.triage.console.conftest import *  # noqa: F403  people with keys of their own
from tipline.kernel.receipts import Phrase

pytestmark = pytest.mark.django_db

CASES = int(os.environ.get("TIPLINE_TEST_FUZZ_CASES") or 40)
# One database for all cases of a test: what an earlier one left is part of the trial.
trials = settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Text with lone surrogates, NUL, right-to-left marks, markup, and the ends of what fits.
TEXT = some.one_of(
    some.text(max_size=60),
    some.text(alphabet=some.characters(), max_size=60),
    some.sampled_from(
        ["", " ", "\x00", "\ud800", "yes", "no", "unsure", "on", "1", "-1", "9" * 400, "\u202e\u0000\ufeff", "a\r\nb"]
    ),
    some.sampled_from(
        ["<script>alert(1)</script>", "{{ 7*7 }}{% debug %}", "'; DROP TABLE intake_tip; --", "%00", "../.."]
    ),
    some.integers(SHORT - 1, SHORT + 1).map("x".__mul__),
    some.integers(LONG - 1, LONG + 1).map("ß".__mul__),
)
NAMES = [*TipForm.base_fields, "nonce", "visit", "phrase", "confirm", "again"]
FIELDS = some.dictionaries(some.one_of(some.sampled_from(NAMES), TEXT.filter(bool)), TEXT, max_size=8)
RAW = some.binary(max_size=400)
KINDS = some.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-16",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
        "text/plain",
        "",
    ]
)
PAGES = ["/", "/answers/", "/answers/add/", "/answers/lock/", "/answers/withdraw/", "/noted/", "/leave/"]


def now() -> datetime:
    return datetime.now(UTC)


def encoded(fields: dict[str, str]) -> bytes:
    """Fields as a browser with broken text sends them: what UTF-8 cannot hold goes as it is."""
    parts = [f"{_quoted(name)}={_quoted(value)}" for name, value in fields.items()]
    return "&".join(parts).encode("ascii")


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def post(client: Client, path: str, fields: dict[str, str]) -> Any:
    return client.post(path, encoded(fields), content_type="application/x-www-form-urlencoded", secure=True)


@trials
@given(fields=FIELDS, path=some.sampled_from(PAGES))
def test_no_public_form_breaks_and_none_sets_a_cookie(street, seeds, fields, path):
    answer = post(street, path, {"nonce": nonce.make(now(), "/"), **fields})

    assert answer.status_code in {200, 303, 400, 403, 404, 409, 413, 422}
    assert not answer.cookies


@trials
@given(body=RAW, kind=KINDS, path=some.sampled_from(PAGES))
def test_no_body_breaks_a_public_page(street, seeds, body, kind, path):
    answer = street.generic("POST", path, body, content_type=kind)

    assert answer.status_code in {200, 303, 400, 403, 404, 413, 422}


@trials
@given(text=TEXT.filter(lambda text: text.strip()), other=TEXT)
def test_what_was_typed_is_taken_or_still_there(street, seeds, text, other):
    answer = post(street, "/", {"nonce": nonce.make(now(), "/"), "text": text, "place": other, "people": other})

    page = html.unescape(answer.content.decode())
    if answer.status_code == 200:
        assert page.count("data-secret") == 14
    else:
        # Textareas drop one first line break, browsers send each as \r\n: the same text for a reader.
        typed = storable(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
        assert answer.status_code in {413, 422}
        # A browser shows for what cannot be stored what is stored for it.
        assert typed in storable(page)


@trials
@given(typed=TEXT)
def test_what_are_no_words_is_refused_alike(street, seeds, typed):
    answer = post(street, "/answers/", {"phrase": typed})

    assert (answer.status_code, Phrase.parse(typed)) == (404, None)


@trials
@given(fields=FIELDS, text=TEXT)
def test_no_visit_breaks(street, send, fields, text):
    done = send("They sell pills")
    page = post(street, "/answers/", {"phrase": " ".join(done.phrase.words)}).content.decode()
    visit = page.split('name="visit" value="', 1)[1].split('"', 1)[0]

    answer = post(street, "/answers/add/", {**fields, "visit": visit, "nonce": nonce.make(now(), "/"), "text": text})

    assert answer.status_code in {200, 413, 422}
    assert set(FollowUpForm.base_fields) == {"text", "danger"}


def _posts(patterns: Any = None, before: str = "") -> list[str]:
    found: list[str] = []
    for each in patterns if patterns is not None else get_resolver("tipline.urls_console").url_patterns:
        if isinstance(each, URLResolver):
            found += _posts(each.url_patterns, before + str(each.pattern))
        elif isinstance(each, URLPattern):
            found.append(before + str(each.pattern))
    return found


# What ends the session it is tried in, or the person's own place, ends the trial too.
ENDS = {"sign-out/", "you/sign-out-everywhere/", "lock/", "you/words/", "you/app/"}
CONSOLE = sorted(path for path in set(_posts()) if path not in ENDS and "^" not in path and "admin" not in path)
CONSOLE_NAMES = [
    "username", "pass_phrase", "code", "name", "role", "identity", "reason", "note", "text", "version", "after", "why",
    "level", "categories", "urgency", "days", "reads", "may_take", "cases", "with", "next", "page", "unlock_with",
    "unlock_for", "typed", "sheet", "threshold", "passkey", "credential", "channel", "address", "number",
]  # fmt: skip
CONSOLE_FIELDS = some.dictionaries(some.one_of(some.sampled_from(CONSOLE_NAMES), TEXT.filter(bool)), TEXT, max_size=8)


@trials
@given(path=some.sampled_from(CONSOLE), fields=CONSOLE_FIELDS)
def test_no_form_of_the_console_breaks(adas, urgent, ada, path, fields):
    case_id = str(urgent.pk)
    address = "/" + path.replace("<uuid:case_id>", case_id).replace("<int:number>", "1")
    for named in ("user_id", "token_id", "contact_id", "program_id"):
        address = address.replace(f"<uuid:{named}>", str(ada.user.pk))
    adas.raise_request_exception = False

    answer = post(adas, address, fields)
    looked = adas.get(f"{address}?{encoded(fields).decode()}", secure=True)

    for each in (answer, looked):
        assert each.status_code < 500 or each.status_code == 503, (address, fields, each.content[:300])
