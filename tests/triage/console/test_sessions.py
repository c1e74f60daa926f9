"""One's sessions: idle and absolute limits, signing out everywhere, and changing how one signs in."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from triage.audit.chain import Event
from triage.models import AuditEntry
from triage.vault import second, session, sessions

from .conftest import totp

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    """Move what the console takes for now: clock(minutes=11)."""
    real, shift = timezone.now, [timedelta()]
    monkeypatch.setattr(timezone, "now", lambda: real() + shift[0])

    def move(**by):
        shift[0] += timedelta(**by)

    return move


@pytest.fixture
def twice(sign_in, ada):
    """Ada at two browsers."""
    return sign_in(ada), sign_in(ada, ahead=1)


def _events():
    return list(AuditEntry.objects.order_by("number").values_list("event", flat=True))


def _is_unlocked(client):
    return client.get("/").wsgi_request.vault is not None


def test_ten_minutes_without_a_press_lock_and_nine_do_not(adas, clock, settings):
    assert settings.UNLOCKED_IDLE_MINUTES == 10
    clock(minutes=9)
    assert _is_unlocked(adas)
    clock(minutes=11)

    answer = adas.get("/")

    assert answer.wsgi_request.vault is None
    assert answer.cookies[session.COOKIE].value == ""
    assert "unlocked" not in Session.objects.get().get_decoded()


def test_a_page_that_asks_by_itself_is_nobody_at_the_keyboard(adas, clock):
    for _ in range(4):
        clock(minutes=4)
        adas.get("/rows/", headers={"hx-request": "true"})

    assert not _is_unlocked(adas)


def test_after_twelve_hours_a_session_is_over_however_busy(adas, clock):
    for _ in range(12 * 6 - 1):
        clock(minutes=10)
        assert adas.get("/healthz").status_code == 200
    assert _is_unlocked(adas)
    clock(minutes=10)

    assert adas.get("/")["Location"] == "/sign-in/"
    assert not Session.objects.exists()


def test_unlocking_again_does_not_move_the_absolute_limit(adas, ada, clock):
    clock(hours=11)
    adas.post("/unlock/", {"unlock_with": ada.phrase})
    assert _is_unlocked(adas)
    clock(hours=1)

    assert adas.get("/")["Location"] == "/sign-in/"


def test_one_sees_ones_own_sessions_by_the_hour_and_nobody_elses(twice, sign_in, bob):
    sign_in(bob)
    hers, _ = twice

    page = hers.get("/you/")

    assert page.status_code == 200
    own = page.context["sessions"]
    assert [each.here for each in own] == [True, False]
    assert {(each.hour.minute, each.hour.second) for each in own} == {(0, 0)}
    assert page.content.decode().count("h UTC") == 2


def test_a_session_says_nothing_of_where_from_and_with_what(ada):
    client = Client(headers={"user-agent": "MarkedAgent/7"}, REMOTE_ADDR="203.0.113.77")
    client.post("/sign-in/", {"username": "ada", "pass_phrase": ada.phrase}, secure=True)
    client.post("/sign-in/code/", {"code": ada.code()}, secure=True)
    client.get("/you/", secure=True)

    stored = str([row.get_decoded() for row in Session.objects.all()])

    assert "203.0.113" not in stored
    assert "MarkedAgent" not in stored


def test_signing_out_everywhere_ends_every_session_of_the_person_and_of_nobody_else(twice, sign_in, bob):
    bobs = sign_in(bob)
    hers, elsewhere = twice
    cookies = {name: morsel.value for name, morsel in elsewhere.cookies.items()}

    answer = hers.post("/you/sign-out-everywhere/")

    assert answer["Location"] == "/sign-in/"
    replay = Client()
    replay.cookies.load(cookies)
    for ended in (hers, elsewhere, replay):
        assert ended.get("/", secure=True)["Location"] == "/sign-in/"
    assert _is_unlocked(bobs)
    assert Session.objects.count() == 1
    assert _events()[-1] == Event.SIGNED_OUT_EVERYWHERE


def test_signing_out_everywhere_also_ends_a_sign_in_that_waits_for_its_code(adas, ada):
    half = Client()
    half.post("/sign-in/", {"username": "ada", "pass_phrase": ada.phrase}, secure=True)

    adas.post("/you/sign-out-everywhere/")

    assert half.post("/sign-in/code/", {"code": ada.code(1)}, secure=True)["Location"] == "/sign-in/"


def test_a_session_whose_row_came_back_is_still_over(adas, ada):
    row = Session.objects.get()

    sessions.end_everywhere(ada.user)
    row.save(force_insert=True)

    assert adas.get("/")["Location"] == "/sign-in/"


def test_a_locked_session_can_still_sign_out_everywhere(adas, clock):
    clock(minutes=20)

    adas.post("/you/sign-out-everywhere/")

    assert not Session.objects.exists()


def test_new_recovery_codes_end_the_old_ones_and_every_other_session(twice, ada):
    hers, elsewhere = twice

    shown = hers.post("/you/recovery-codes/", follow=True, secure=True).content.decode()

    codes = re.findall(r"<code>(\d{4} \d{4})</code>", shown)
    assert len(set(codes)) == 10
    assert second.check(ada.user, ada.recovery[0]) is None
    assert second.check(ada.user, codes[0]) is not None
    assert _is_unlocked(hers)
    assert elsewhere.get("/")["Location"] == "/sign-in/"
    assert _events()[-1] == Event.FACTORS_CHANGED


def test_recovery_codes_are_shown_once_and_counted(adas, ada):
    adas.post("/you/recovery-codes/")
    codes = re.findall(r"<code>(\d{4} \d{4})</code>", adas.get("/second-factor/spare/").content.decode())
    adas.post("/second-factor/spare/")

    assert adas.get("/second-factor/spare/")["Location"] == "/"
    second.check(ada.user, codes[0])
    assert "9 are left." in adas.get("/you/").content.decode()


def test_pairing_another_app_ends_the_old_one_and_every_other_session(twice, ada):
    hers, elsewhere = twice
    page = hers.get("/you/app/").content.decode()
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)[1].replace(" ", "")

    answer = hers.post("/you/app/", {"code": totp(secret)})

    assert answer["Location"] == "/second-factor/spare/"
    assert second.check(ada.user, ada.code(1)) is None
    assert second.check(ada.user, totp(secret, 1)) is not None
    assert elsewhere.get("/")["Location"] == "/sign-in/"


@pytest.mark.parametrize("path", ["/you/recovery-codes/", "/you/app/"])
def test_who_changes_how_they_sign_in_types_the_words_again(adas, ada, clock, path):
    clock(minutes=6)

    asked = adas.post(path, {"code": "000000"})
    assert "Type your six words once more" in asked.content.decode()
    assert adas.post(path, {"unlock_with": "wrong words"}).status_code == 422
    assert second.spare_left(ada.user) == 10
    assert Event.FACTORS_CHANGED not in _events()

    assert adas.post(path, {"unlock_with": ada.phrase, "unlock_for": "POST"}).status_code in (200, 302)


def test_the_cover_asks_for_nothing_while_unlocked_and_for_the_words_after_a_lock(adas, ada):
    assert adas.get("/cover/").status_code == 204
    adas.post("/lock/")

    asked = adas.get("/cover/")

    assert asked.status_code == 423
    assert asked["X-CSRFToken"]
    wrong = adas.post("/cover/", {"unlock_with": "wrong words", "who": ada.user.pk})
    assert (wrong.status_code, wrong["Content-Type"]) == (422, "text/plain; charset=utf-8")
    assert "These are not your words" in wrong.content.decode()
    assert adas.post("/cover/", {"unlock_with": ada.phrase, "who": ada.user.pk}).status_code == 204
    assert _is_unlocked(adas)


def test_guessing_the_words_of_a_locked_session_is_slowed_and_leaves_a_record(adas, ada):
    adas.post("/lock/")

    said = [adas.post("/cover/", {"unlock_with": f"guess {n}", "who": ada.user.pk}).content.decode() for n in range(8)]

    assert "These are not your words" in said[0]
    assert "Too many tries. Wait " in said[-1]
    assert _events().count(Event.SIGN_IN_REFUSED) == sum("These are not" in each for each in said) < 8
    assert "Too many tries" in adas.post("/unlock/", {"unlock_with": ada.phrase}).content.decode()


def test_who_stole_a_session_without_its_other_cookies_guesses_apart_from_its_owner(adas, ada):
    adas.post("/lock/")
    thief = Client()
    thief.cookies["__Host-session"] = adas.cookies["__Host-session"].value
    for n in range(8):
        refused = thief.post("/cover/", {"unlock_with": f"guess {n}", "who": ada.user.pk}, secure=True)
    assert "Too many tries" in refused.content.decode()

    assert adas.post("/cover/", {"unlock_with": ada.phrase, "who": ada.user.pk}).status_code == 204


def test_a_cover_over_somebody_elses_page_does_not_open(adas, ada, bob):
    adas.post("/lock/")

    answer = adas.post("/cover/", {"unlock_with": ada.phrase, "who": bob.user.pk})

    assert answer.status_code == 409
    assert not _is_unlocked(adas)


def test_an_unlocked_page_has_a_cover_ready_and_a_locked_one_needs_none(adas):
    assert 'id="cover"' in adas.get("/").content.decode()
    adas.post("/lock/")

    assert 'id="cover"' not in adas.get("/").content.decode()
