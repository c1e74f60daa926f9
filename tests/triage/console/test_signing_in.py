"""Name and pass phrase, then a code; nothing is open between the two."""

import re
import threading
import time
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from triage.audit.chain import Event
from triage.models import AuditEntry, Membership
from triage.vault import guessing, keys, session

pytestmark = pytest.mark.django_db
ROOT = "https://localhost/"
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "account_login",
    "0",
    "",
]


def _phrase(client, person, phrase=None):
    data = {"username": person.user.username, "pass_phrase": phrase or person.phrase}
    return client.post("/sign-in/", data, secure=True)


def _plain(answer, name):
    text = re.sub(r'(name="csrfmiddlewaretoken" value=|X-CSRFToken": )"[^"]*"', "", answer.content.decode())
    return text.replace(f'value="{name}"', "")


def test_both_factors_open_the_board_and_its_keys(adas, ada, program):
    answer = adas.get("/")

    assert answer.status_code == 200
    assert answer.wsgi_request.vault.program_seed(program, "content") is not None
    assert answer.wsgi_request.user == ada.user


def test_after_the_pass_phrase_alone_nothing_opens(visitor, ada):
    answer = _phrase(visitor, ada)

    assert answer["Location"] == "/sign-in/code/"
    board = visitor.get("/", secure=True)
    assert board.status_code == 302
    assert board["Location"] == "/sign-in/"
    assert board.wsgi_request.vault is None


def test_the_code_page_cannot_be_reached_without_the_pass_phrase(visitor, ada):
    assert visitor.get("/sign-in/code/", secure=True)["Location"] == "/sign-in/"
    assert visitor.post("/sign-in/code/", {"code": ada.code()}, secure=True)["Location"] == "/sign-in/"


def test_known_and_unknown_names_get_the_same_answer(ada):
    known, unknown = Client(), Client()

    first = known.post("/sign-in/", {"username": "ada", "pass_phrase": "wrong words"}, secure=True)
    second = unknown.post("/sign-in/", {"username": "nob", "pass_phrase": "wrong words"}, secure=True)

    assert first.status_code == second.status_code == 422
    assert _plain(first, "ada") == _plain(second, "nob")
    assert set(known.cookies) == set(unknown.cookies)


def test_a_code_counts_once(ada, visitor, sign_in):
    code = ada.code()
    _phrase(visitor, ada)
    assert visitor.post("/sign-in/code/", {"code": code}, secure=True).status_code == 302

    again = Client()
    _phrase(again, ada)
    refused = again.post("/sign-in/code/", {"code": code}, secure=True)

    assert refused.status_code == 422
    assert again.get("/", secure=True).status_code == 302


def test_a_recovery_code_stands_in_for_the_app_once(ada):
    first, second = Client(), Client()
    _phrase(first, ada)
    _phrase(second, ada)

    assert first.post("/sign-in/code/", {"code": ada.recovery[3]}, secure=True).status_code == 302
    assert second.post("/sign-in/code/", {"code": ada.recovery[3]}, secure=True).status_code == 422


def test_a_strangers_guesses_do_not_lock_a_person_out_of_a_browser_they_know(ada, sign_in):
    hers = sign_in(ada)
    hers.post("/sign-out/")
    stranger = Client()
    for _ in range(11):
        last = _phrase(stranger, ada, "guess guess guess guess guess guess")
    assert last.status_code == 429

    answer = _phrase(hers, ada)

    assert answer.status_code == 302


def test_guessing_codes_is_slowed(ada, visitor):
    _phrase(visitor, ada)

    answers = [visitor.post("/sign-in/code/", {"code": "000000"}, secure=True) for _ in range(12)]

    assert answers[0].status_code == 422
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0
    assert visitor.post("/sign-in/code/", {"code": ada.code()}, secure=True).status_code == 429


def test_a_person_slowed_down_by_a_stranger_gets_in_when_the_seconds_have_passed(ada, visitor, monkeypatch):
    stranger = Client()
    for _ in range(20):
        last = _phrase(stranger, ada, "guess guess guess guess guess guess")
    assert last.status_code == 429
    seconds = int(last["Retry-After"])
    assert f"Wait {seconds} second" in last.content.decode()

    later = time.monotonic() + seconds
    monkeypatch.setattr(time, "monotonic", lambda: later)

    assert _phrase(visitor, ada).status_code == 302


def test_a_flood_of_strangers_is_sent_away_and_a_known_browser_gets_in(ada, sign_in, visitor, monkeypatch):
    hers = sign_in(ada)
    hers.post("/sign-out/")
    full = threading.BoundedSemaphore(1)
    full.acquire()
    monkeypatch.setattr(guessing, "_WAITING", full)

    stranger, first = _phrase(visitor, ada), visitor.post("/first/", {"username": "a", "code": "b"}, secure=True)

    for answer in (stranger, first):
        assert answer.status_code == 429
        assert "Many people are signing in just now." in answer.content.decode()
    assert _phrase(hers, ada).status_code == 302


def test_a_name_nobody_has_is_slowed_down_just_the_same(ada):
    def tries(name):
        client = Client()
        data = {"username": name, "pass_phrase": "guess guess guess guess guess guess"}
        answers = [client.post("/sign-in/", data, secure=True) for _ in range(9)]
        return [answer.status_code for answer in answers], _plain(answers[-1], name)

    assert tries("ada") == tries("nob")


def test_a_name_nobody_has_costs_the_same_work(ada, monkeypatch):
    stretched = []
    stretch = keys.stretch
    monkeypatch.setattr(keys, "stretch", lambda phrase, **more: stretched.append(phrase) or stretch(phrase, **more))

    def work(name):
        stretched.clear()
        with CaptureQueriesContext(connection) as queries:
            Client().post("/sign-in/", {"username": name, "pass_phrase": "wrong words"}, secure=True)
        # A savepoint has a name of its own each time.
        writes = [query["sql"].split()[0] for query in queries if "SAVEPOINT" not in query["sql"]]
        return len(stretched), [word for word in writes if word in {"INSERT", "UPDATE", "SET"}]

    assert work("ada") == work("nob") == (1, ["SET", "INSERT"])


def test_a_refused_name_nobody_has_lands_in_no_programs_record(program):
    Client().post("/sign-in/", {"username": "nob", "pass_phrase": "wrong words"}, secure=True)

    assert not AuditEntry.objects.exists()


def test_a_refusal_is_on_record_in_every_program_of_the_person(ada, program, other_program, visitor):
    other, _ = other_program
    Membership.objects.create(program=other, user=ada.user)

    _phrase(visitor, ada, "wrong")

    assert {entry.program for entry in AuditEntry.objects.all()} == {program, other}


def test_signing_out_ends_the_session_and_forgets_the_key(adas):
    cookies = {name: morsel.value for name, morsel in adas.cookies.items()}

    answer = adas.post("/sign-out/")

    assert answer.cookies[session.COOKIE].value == ""
    replay = Client()
    replay.cookies.load(cookies)
    assert replay.get("/", secure=True)["Location"] == "/sign-in/"


def test_the_cookies_are_bound_to_the_host_and_strict(adas):
    unlock = adas.cookies[session.COOKIE]

    assert unlock["secure"] is True
    assert unlock["httponly"] is True
    assert unlock["samesite"] == "Strict"
    assert unlock["path"] == "/"
    assert {unlock["max-age"], unlock["expires"], unlock["domain"]} == {""}
    assert all(name.startswith("__Host-") for name in adas.cookies)


def test_the_session_table_alone_opens_nothing(adas, ada, program):
    stored = Session.objects.get().get_decoded()
    adas.get("/")

    thief = Client()
    thief.cookies["__Host-session"] = Session.objects.get().session_key
    answer = thief.get("/", secure=True)

    assert ada.phrase not in str(stored)
    assert answer.status_code == 200
    assert answer.wsgi_request.vault is None


def test_a_session_made_for_one_person_does_not_open_for_another(adas, ada, bob):
    unlocked = adas.get("/").wsgi_request

    assert session.take(unlocked, bob.user.pk) is None
    assert session.take(unlocked, ada.user.pk) is not None


def test_sign_ins_and_refusals_are_on_record(adas, ada, visitor):
    _phrase(visitor, ada, "wrong")

    events = list(AuditEntry.objects.order_by("number").values_list("event", flat=True))
    assert events == [Event.SIGNED_IN, Event.SIGN_IN_REFUSED]


def test_nobody_who_left_stays_signed_in(adas, ada):
    ada.user.is_active = False
    ada.user.save()

    assert adas.get("/")["Location"] == "/sign-in/"


def test_no_address_and_no_browser_name_is_asked_for(ada, program):
    client = Client(headers={"user-agent": "MarkedAgent/7"}, REMOTE_ADDR="203.0.113.77")
    _phrase(client, ada, "wrong")
    _phrase(client, ada)
    client.post("/sign-in/code/", {"code": ada.code()}, secure=True)

    tables = [table for table in connection.introspection.table_names() if not table.startswith("django_migr")]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            everything = str(cursor.fetchall())
            assert "203.0.113.77" not in everything
            assert "MarkedAgent" not in everything
    assert "203.0.113" not in str(vars(guessing.misses))


def test_it_goes_back_to_the_page_that_was_asked_for(visitor, ada):
    asked = visitor.get("/?level=urgent", secure=True)
    assert asked["Location"] == "/sign-in/"
    asked = visitor.get("/tips/00000000-0000-0000-0000-000000000000/", secure=True)
    visitor.post(asked["Location"], {"username": "ada", "pass_phrase": ada.phrase}, secure=True)

    answer = visitor.post("/sign-in/code/", {"code": ada.code()}, secure=True)

    assert answer["Location"].startswith("/tips/")


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_it_goes_to_no_other_site(visitor, ada, elsewhere):
    address = f"/sign-in/?{urlencode({'next': elsewhere})}"
    visitor.post(address, {"username": "ada", "pass_phrase": ada.phrase}, secure=True)

    assert visitor.post("/sign-in/code/", {"code": ada.code()}, secure=True)["Location"] == "/"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nor_does_unlocking(adas, ada, elsewhere):
    address = f"/unlock/?{urlencode({'next': elsewhere})}"

    assert adas.post(address, {"unlock_with": ada.phrase})["Location"] == "/"
    assert adas.get(address)["Location"] == "/"


@pytest.mark.parametrize("path", ["/tips/1/?page=2", "/0", "/a:b"])
def test_unlocking_goes_back_to_where_one_was(adas, ada, path):
    assert adas.post(f"/unlock/?{urlencode({'next': path})}", {"unlock_with": ada.phrase})["Location"] == path
