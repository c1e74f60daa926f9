"""The public API: what it takes, what it gives back, and that it keeps and says no more than the pages."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from intake import actions
from intake.channels import api
from intake.message import Content
from intake.models import Program, Receipt, Tip, Wrap
from intake.sealed import CONTENT, data_key, place
from tipline.kernel import sealing
from tipline.kernel.receipts import Phrase

pytestmark = pytest.mark.django_db

Call = Callable[..., HttpResponse]
TEXT = "He sells pills behind the rink"


def fresh() -> str:
    return secrets.token_urlsafe(16)


@pytest.fixture
def call(street: Client) -> Call:
    """Call the API: call("tips/", {"text": …}, key=…) or call("conversation/", words=…)."""

    def _call(path: str, body: Any = None, *, key: str | None = None, words: str | None = None, **more: Any):
        headers = {"Idempotency-Key": fresh() if key is None else key}
        if words is not None:
            headers["Tipline-Receipt"] = words
        if body is None:
            return street.get(f"/api/v1/{path}", headers=headers, **more)
        sent = body if isinstance(body, str | bytes) else json.dumps(body)
        kind = more.pop("content_type", "application/json")
        return street.post(f"/api/v1/{path}", sent, content_type=kind, headers=headers, **more)

    return _call


def problem(answer: HttpResponse) -> tuple[int, str]:
    """Status and kind of a problem, which it must be, whole."""
    assert answer["Content-Type"] == "application/problem+json"
    said = json.loads(answer.content)
    assert {"type", "title", "status", "detail"} <= set(said)
    assert said["status"] == answer.status_code
    return answer.status_code, said["type"].removeprefix("urn:tipline:problem:")


def test_a_tip_that_is_sent_gives_words_and_numbers_that_open_its_conversation(call, seeds):
    answer = call("tips/", {"text": TEXT})

    receipt = answer.json()
    assert answer.status_code == 201
    assert Phrase.parse(receipt["words"]) == Phrase.parse(receipt["numbers"])
    for words in (receipt["words"], receipt["numbers"]):
        found = call("conversation/", words=words)
        assert (found.status_code, found.json()) == (200, {"status": "received", "waiting": False, "replies": []})


def test_everything_the_form_asks_is_sealed_as_the_form_seals_it(call, program, seeds):
    given = {
        "danger": "yes", "about_me": True, "insider": False, "who_knows": "my aunt", "guessable": "unsure",
        "worse_if_police": "no", "people": "K.", "vehicle": "red van", "place": "rink", "time": "Fridays", "school": "",
    }  # fmt: skip

    call("tips/", {"text": TEXT, **given, "name": " Ann ", "reach": ""})

    tip = Tip.objects.get()
    key = data_key(
        tip, Wrap.objects.filter(tip=tip), key_id=program.keys.get(purpose="content").pk, seed=seeds["content"]
    )
    content = Content.from_bytes(sealing.unseal(bytes(tip.sealed), key=key, place=place(tip, CONTENT)))
    assert content.channel == "api"
    assert content.has_identity
    assert {name: getattr(content.message, name) for name in given} == given


def test_the_same_key_and_body_give_the_same_words_and_one_tip(call, seeds):
    key = fresh()

    first, second = call("tips/", {"text": TEXT}, key=key), call("tips/", {"text": TEXT}, key=key)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["words"] == second.json()["words"]
    assert second.json()["repeated"]
    assert Tip.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict(call, seeds):
    key = fresh()
    call("tips/", {"text": TEXT}, key=key)

    assert problem(call("tips/", {"text": TEXT, "danger": "yes"}, key=key)) == (409, "conflict")
    assert Tip.objects.count() == 1


def test_words_are_not_shown_again_once_their_secret_is_gone(call, seeds, settings):
    key = fresh()
    call("tips/", {"text": TEXT}, key=key)
    settings.RUN_DIR = settings.RUN_DIR / "later"
    from tipline.kernel import rotating

    rotating._made.cache_clear()

    again = call("tips/", {"text": TEXT}, key=key)

    assert (again.status_code, again.json()["words"], again.json()["numbers"]) == (200, None, None)
    assert again.json()["detail"] == api.WORDS_GONE


@pytest.mark.parametrize("key", ["", "a" * 21, "a" * 129, "é" * 22, "with a space in the middle"])
def test_a_key_that_is_missing_or_unfit_is_refused(call, seeds, key):
    assert problem(call("tips/", {"text": TEXT}, key=key)) == (400, "key")
    assert not Tip.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/text"),
        ({"text": " \t\n"}, "#/text"),
        ({"text": "\x1e"}, "#/text"),  # schemathesis: blank to Python, not to the pattern of the description
        ({"text": "\x85\ufeff\u2003"}, "#/text"),
        ({"text": None}, "#/text"),
        ({"text": 5}, "#/text"),
        ({"text": ["a"]}, "#/text"),
        ({"text": "x" * 100_001}, "#/text"),
        ({"text": TEXT, "place": "x" * 301}, "#/place"),
        ({"text": TEXT, "danger": "perhaps"}, "#/danger"),
        ({"text": TEXT, "danger": True}, "#/danger"),
        ({"text": TEXT, "insider": "yes"}, "#/insider"),
        ({"text": TEXT, "insider": 1}, "#/insider"),
        ({"text": TEXT, "dangr": "yes"}, "#/dangr"),
        ({"text": TEXT, "a/b~é": 1}, "#/a~1b~0%C3%A9"),
        ({"text": TEXT, "\ud800": 1}, "#/%3F"),
    ],
)
def test_what_is_not_as_the_schema_says_is_refused_with_its_place(call, seeds, body, pointer):
    answer = call("tips/", body)

    assert problem(answer) == (422, "invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Tip.objects.exists()


def test_what_cannot_be_stored_is_replaced_as_in_the_form(call, program, seeds):
    answer = call("tips/", r'{"text": "a\u0000b\ud800c\ud83d\ude00"}')

    assert answer.status_code == 201
    tip = Tip.objects.get()
    key = data_key(
        tip, Wrap.objects.filter(tip=tip), key_id=program.keys.get(purpose="content").pk, seed=seeds["content"]
    )
    content = Content.from_bytes(sealing.unseal(bytes(tip.sealed), key=key, place=place(tip, CONTENT)))
    assert content.message.text == "a\ufffdb\ufffdc\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "body",
    [
        "nonsense", "[]", '"text"', "null", '{"text": NaN}', '{"text": "a", "text": "b"}', '{"text": -Infinity}',
        b'{"text": "\xff"}', "[" * 50_000, '{"text":' * 9 + "1" + "}" * 9, '{"text": ' + "9" * 5000 + "}",
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(call, seeds, body):
    assert problem(call("tips/", body)) == (400, "unreadable")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/*", "*/*", "",
     "application/json; charset=latin-1", "application/problem+json"],
)  # fmt: skip
def test_only_json_in_utf_8_is_read(call, seeds, kind):
    assert problem(call("tips/", {"text": TEXT}, content_type=kind)) == (415, "media-type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
def test_json_may_say_that_it_is_in_utf_8(call, seeds, kind):
    assert call("tips/", {"text": TEXT}, content_type=kind).status_code == 201


def test_a_body_that_is_too_large_is_refused_unread(call, seeds, settings):
    assert problem(call("tips/", " " * (settings.API_BODY_LIMIT + 1))) == (413, "too-large")
    assert problem(call("tips/", {"text": TEXT}, CONTENT_LENGTH="9" * 30)) == (413, "too-large")


def test_the_longest_text_fits(call, seeds):
    assert call("tips/", json.dumps({"text": "é" * 100_000}, ensure_ascii=False)).status_code == 201


def test_details_are_not_dropped_in_silence_where_a_program_takes_none(call, program, seeds):
    Program.objects.filter(pk=program.pk).update(identity_allowed=False)

    answer = call("tips/", {"text": TEXT, "reach": "at noon"})

    assert problem(answer) == (422, "invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/reach"]


def test_what_is_added_follows_the_tip_and_is_stored_once(call, send, tip_of):
    done, key = send(), fresh()
    words = " ".join(done.phrase.words)

    answers = [call("conversation/messages/", {"text": "loading it now"}, words=words, key=key) for _ in range(2)]

    assert [(a.status_code, a.json()) for a in answers] == [(201, {"repeated": False}), (200, {"repeated": True})]
    assert Tip.objects.get(follows=tip_of(done)).number == 1
    assert problem(call("conversation/messages/", {"text": "no"}, words=words, key=key)) == (409, "conflict")


def test_answers_are_read_and_nothing_that_was_sent(call, send, tip_of):
    done = send("A very particular sentence")
    tip = tip_of(done)
    actions.reply(tip, "Thank you. Is it safe?")
    actions.tell(tip, "opened")

    answer = call("conversation/", words=" ".join(done.phrase.numbers))

    assert answer.json() == {"status": "opened", "waiting": False, "replies": ["Thank you. Is it safe?"]}
    assert b"particular" not in answer.content


def test_a_locked_code_leads_nowhere(call, send):
    words = " ".join(send().phrase.words)

    assert problem(call("conversation/lock/", {}, words=words)) == (422, "invalid")
    assert problem(call("conversation/lock/", {"confirm": "no"}, words=words)) == (422, "invalid")
    locked = call("conversation/lock/", {"confirm": "yes"}, words=words)

    assert (locked.status_code, locked.content) == (204, b"")
    assert not Receipt.objects.exists()
    assert problem(call("conversation/", words=words)) == (404, "not-found")


def test_who_the_sender_is_can_be_taken_back(call, send, tip_of):
    done = send(name="Ann")

    answer = call("conversation/withdraw/", {"confirm": "yes"}, words=" ".join(done.phrase.words))

    assert answer.status_code == 204
    assert bytes(tip_of(done).sealed_identity) == b""


@pytest.mark.parametrize("path", ["", "lock/", "withdraw/", "messages/"])
def test_words_in_an_address_or_a_body_open_nothing(call, send, path):
    words = " ".join(send().phrase.words)
    body = {"confirm": "yes"} if path in {"lock/", "withdraw/"} else {"text": "x"} if path else None

    answer = call(f"conversation/{path}?words={words.replace(' ', '+')}&Tipline-Receipt=x", body)

    assert problem(answer) == (400, "words")


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "tips/"), ("put", "tips/"), ("patch", "tips/"), ("delete", "conversation/"), ("post", "conversation/"),
     ("options", "tips/"), ("trace", "tips/"), ("get", "conversation/lock/"), ("post", "schema/"),
     ("post", "program/")],
)  # fmt: skip
def test_an_address_says_which_methods_it_knows(street, method, path):
    answer = getattr(street, method)(f"/api/v1/{path}")

    assert problem(answer) == (405, "method")
    assert answer["Allow"]


def test_only_json_is_sent(street):
    assert problem(street.get("/api/v1/program/", headers={"Accept": "text/html"})) == (406, "not-acceptable")
    assert street.get("/api/v1/program/", headers={"Accept": "text/html, */*;q=0.1"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v1/tips", "/api/v2/tips/", "/api/v1/tips/x/"])
def test_what_is_not_there_is_a_problem_too(street, path):
    assert problem(street.get(path)) == (404, "not-found")
    assert problem(street.post(path, "{}", content_type="application/json")) == (404, "not-found")


def test_a_name_of_another_house_is_refused_as_a_problem(street):
    assert problem(street.get("/api/v1/program/", headers={"Host": "elsewhere.example"})) == (400, "unreadable")


def test_answers_carry_the_headers_of_every_page_and_no_cookie(call, seeds):
    for answer in (call("program/"), call("tips/", {"text": TEXT}), call("conversation/", words="none"), call("no/")):
        assert answer["Cache-Control"] == "no-store"
        assert answer["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert not answer.cookies
        assert not any(name.startswith("Access-Control") for name in answer.headers)


def test_while_the_database_is_away_nothing_is_stored_and_the_client_is_told_to_wait(call, seeds, monkeypatch):
    def away(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(actions, "submit", away)
    monkeypatch.setattr(actions, "conversation", away)

    for answer in (call("tips/", {"text": TEXT}), call("conversation/", words="seven words")):
        assert problem(answer) == (503, "away")
        assert answer["Retry-After"] == "10"


def test_keys_that_are_not_pinned_stop_the_api_as_they_stop_the_form(call, seeds, settings):
    settings.KEY_PINS.write_text("")

    assert problem(call("tips/", {"text": TEXT})) == (503, "away")


def test_a_fault_nobody_foresaw_is_a_problem_that_says_nothing_of_it(call, seeds, monkeypatch):
    def fault(*_: object, **__: object) -> None:
        raise RuntimeError("a very particular fault")

    monkeypatch.setattr(actions, "submit", fault)

    answer = call("tips/", {"text": TEXT})

    assert problem(answer) == (500, "broken")
    assert b"particular" not in answer.content


def test_a_client_learns_who_reads_and_whom_to_call(call, program):
    shown = call("program/").json()

    assert shown["name"] == program.name
    assert shown["emergency_number"] == "911"
    assert set(shown) == {
        "name", "emergency_number", "text_emergency", "crisis_line", "trafficking_hotline", "duty_text", "readers",
        "police_reader", "identity_allowed",
    }  # fmt: skip


def test_the_description_is_up_to_date_and_served(street):
    call_command("openapi", "--check")

    served = street.get("/api/v1/schema/")
    assert json.loads(b"".join(served) if served.streaming else served.content)["openapi"] == "3.1.0"


def test_the_street_door_loads_nothing_that_lets_anybody_sign_in_or_describes_an_api(tmp_path):
    import os
    import subprocess
    import sys

    from django.conf import settings

    told = {name: value for name, value in os.environ.items() if name.startswith("TIPLINE_") or name == "PATH"}
    told |= {"TIPLINE_ROLE": "public", "DJANGO_SETTINGS_MODULE": "tipline.settings"}
    code = (
        "import sys, django; django.setup(); from django.urls import get_resolver; get_resolver().url_patterns;"
        "print(sorted(n for n in sys.modules if n in {'drf_spectacular', 'django.contrib.auth.models',"
        " 'django.contrib.sessions.models', 'django.contrib.contenttypes.models', 'triage'}))"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], env=told, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "[]"
