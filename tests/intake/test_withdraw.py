"""The sender takes back who they are: for their own conversation alone, and the same for everybody."""

import re

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from intake import actions
from intake.channels import nonce
from intake.models import Receipt, Tip, Wrap

pytestmark = pytest.mark.django_db


def _identity(tip):
    return bytes(Tip.objects.get(pk=tip.pk).sealed_identity), Wrap.objects.filter(tip=tip, purpose="identity").count()


def _visit(street, done):
    page = street.post("/answers/", {"phrase": " ".join(done.phrase.words)}, secure=True).content.decode()
    return re.search(r'name="visit" value="([^"]+)"', page)[1]


def _shown(answer):
    return re.sub(r'name="(visit|nonce)" value="[^"]+"', "", answer.content.decode())


def test_the_wrap_and_what_it_opened_are_gone_and_the_tip_is_not(program, send, tip_of, noon):
    done = send("They sell pills", name="Maria Doe", reach="after six")
    tip = tip_of(done)
    before = bytes(tip.sealed)

    actions.withdraw_identity(program, done.phrase, now=noon)

    assert _identity(tip) == (b"", 0)
    tip.refresh_from_db()
    assert tip.identity_removed_on == noon.date()
    assert bytes(tip.sealed) == before
    assert Wrap.objects.filter(tip=tip, purpose="content").exists()
    assert Receipt.objects.filter(tip=tip).exists()


def test_another_conversation_keeps_its_own(program, send, tip_of, noon):
    mine, other = send(name="Maria Doe"), send(name="John Roe")

    actions.withdraw_identity(program, mine.phrase, now=noon)

    blob, wraps = _identity(tip_of(other))
    assert blob
    assert wraps == 1


def test_twice_is_once_and_keeps_the_first_day(program, send, tip_of, noon):
    from datetime import timedelta

    done = send(name="Maria Doe")
    actions.withdraw_identity(program, done.phrase, now=noon)
    actions.withdraw_identity(program, done.phrase, now=noon + timedelta(days=9))

    assert Tip.objects.get(pk=tip_of(done).pk).identity_removed_on == noon.date()


def test_what_was_removed_cannot_be_put_back(program, send, tip_of, noon):
    done = send(name="Maria Doe")
    actions.withdraw_identity(program, done.phrase, now=noon)

    with pytest.raises(IntegrityError), transaction.atomic():
        Tip.objects.filter(pk=tip_of(done).pk).update(sealed_identity=b"anything")


def test_the_page_says_the_same_whether_anything_was_there(street, send, seeds):
    named, nameless = send(name="Maria Doe"), send()

    answers = [
        street.post("/answers/withdraw/", {"visit": _visit(street, done)}, secure=True) for done in (named, nameless)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert _shown(answers[0]) == _shown(answers[1])
    assert "If you had left your name or how to reach you, it is removed." in _shown(answers[0])


def test_the_button_is_there_for_everybody(street, send, seeds):
    pages = [
        street.post("/answers/", {"phrase": " ".join(done.phrase.words)}, secure=True)
        for done in (send(name="X"), send())
    ]

    assert _shown(pages[0]) == _shown(pages[1])
    assert "Remove my name and how to reach me" in _shown(pages[0])


def test_a_visit_that_is_over_removes_nothing(street, send, tip_of, seeds):
    done = send(name="Maria Doe")

    answer = street.post("/answers/withdraw/", {"visit": "made-up"}, secure=True)

    assert answer.status_code == 403
    assert _identity(tip_of(done))[1] == 1


def test_a_locked_code_removes_nothing(program, street, send, tip_of, seeds):
    done = send(name="Maria Doe")
    tip, visit = tip_of(done), _visit(street, done)
    actions.lock(program, done.phrase)

    answer = street.post("/answers/withdraw/", {"visit": visit}, secure=True)

    assert answer.status_code == 404
    assert _identity(tip)[1] == 1


def test_nothing_is_removed_by_a_get(street):
    assert street.get("/answers/withdraw/", secure=True).status_code == 405


@pytest.fixture
def door(settings):
    """A connection with the rights of the public door."""
    call_command("grant_roles")
    found = connection.settings_dict
    password = (settings.SECRETS_DIR / "db_public").read_text().strip()
    place = {"host": found["HOST"], "port": found["PORT"], "dbname": found["NAME"]}
    with psycopg.connect(**place, user="tipline_public", password=password, autocommit=True) as opened:
        yield opened


def _say(door, done, settings):
    lookup = done.phrase.lookup(pepper=settings.RECEIPT_PEPPER.encode()).hex()
    door.execute("SELECT set_config('tipline.lookup', %s, true)", [lookup])


EMPTY = "UPDATE intake_tip SET sealed_identity = '', identity_removed_on = current_date"
DROP = "DELETE FROM intake_wrap WHERE purpose = 'identity'"


@pytest.mark.django_db(transaction=True)
def test_the_doors_own_role_removes_it_for_that_receipt_alone(door, send, tip_of, settings):
    mine, other = send(name="Maria Doe"), send(name="John Roe")

    with door.transaction():
        _say(door, mine, settings)
        changed = (door.execute(EMPTY).rowcount, door.execute(DROP).rowcount)

    assert changed == (1, 1)
    assert _identity(tip_of(mine)) == (b"", 0)
    assert _identity(tip_of(other))[1] == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_words_the_doors_role_removes_nothing(door, send, tip_of):
    done = send(name="Maria Doe")

    assert door.execute(EMPTY).rowcount == door.execute(DROP).rowcount == 0
    assert _identity(tip_of(done))[1] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE intake_tip SET sealed_identity = 'something else'",
        "UPDATE intake_tip SET sealed = ''",
        "UPDATE intake_tip SET status = 'closed'",
        "SELECT sealed_identity FROM intake_tip",
    ],
)
def test_the_doors_role_puts_nothing_in_its_place(door, send, settings, attempt):
    done = send(name="Maria Doe")

    door.execute("BEGIN")
    _say(door, done, settings)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.execute(attempt)


@pytest.mark.django_db(transaction=True)
def test_the_doors_role_drops_no_wrap_by_which_others_read(door, send, tip_of, settings):
    done = send(name="Maria Doe", insider=True)
    tip = tip_of(done)

    with door.transaction():
        _say(door, done, settings)
        door.execute("DELETE FROM intake_wrap")

    assert set(Wrap.objects.filter(tip=tip).values_list("purpose", flat=True)) == {"oversight"}


@pytest.mark.parametrize(
    ("path", "action", "said"),
    [
        ("/answers/lock/", "lock", "your words still work"),
        ("/answers/withdraw/", "withdraw_identity", "nothing was removed"),
        ("/answers/add/", "follow_up", "he is loading it now"),
    ],
)
def test_while_the_database_is_away_nothing_is_done_and_that_is_said(street, send, monkeypatch, path, action, said):
    visit = _visit(street, send("They sell pills"))

    def away(*_, **__):
        raise DatabaseError

    monkeypatch.setattr(actions, action, away)
    page = street.post(
        path,
        {"visit": visit, "confirm": "yes", "text": "he is loading it now", "nonce": nonce.make(timezone.now(), "/")},
    )

    assert page.status_code == 503
    assert page["Retry-After"] == "10"
    assert said in page.content.decode()
