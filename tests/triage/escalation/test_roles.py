"""Each process does its whole work with the rights of its own PostgreSQL role, and reads no more."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.test import Client

from intake.models import Due, Tip
from tipline.kernel.clock import database_now
from triage import actions, epochs
from triage.escalation import (
    codes,
    contacts,
    deliver,
    engine,
    escalators,
    events,
    loop,
    replies,
    taking,
    unread,
    watching,
)
from triage.escalation.handover import Publisher
from triage.escalation.senders import Outcome, Result
from triage.escalation.signatures import sign_gateway
from triage.learning import sampling
from triage.models import Assessment, Case, Contact, Escalation, Notification, PagerEvent, QualityReview
from triage.watching import priority, reconcile, staffing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acting_as(settings) -> Iterator[Callable]:
    """Do something as the PostgreSQL role of one process."""
    call_command("grant_roles")
    owner = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}

    def become(found: dict[str, str]) -> None:
        connection.close()
        connection.settings_dict.update(found)

    @contextmanager
    def _acting_as(role: str) -> Iterator[None]:
        password = (settings.SECRETS_DIR / f"db_{role}").read_text().strip()
        become({"USER": f"tipline_{role}", "PASSWORD": password})
        try:
            yield
        finally:
            become(owner)

    yield _acting_as
    become(owner)


@pytest.fixture
def page(staffed, make_page) -> Escalation:
    return make_page(now=database_now())


def test_the_triage_role_keeps_keys_assesses_and_begins_pages(acting_as, staffed, make_tip, make_person, settings):
    settings.BROKER_URL = ""
    make_person("Chair", role="oversight")
    with acting_as("triage"):
        epochs.rotate(database_now())
    threat, paint = make_tip(), make_tip("Somebody sprayed paint on the wall of the library last week")
    insider = make_tip("The sergeant will shoot his wife tonight, he has the gun in his hand", insider=True)

    with acting_as("triage"):
        escalators.TriageTick(Publisher())()
        loop._Beat(loop.TRIAGE)()
        actions.forget_submissions(database_now())

    assert not Due.objects.exists()
    assert all(Tip.objects.get(pk=tip.pk).assessment.judged for tip in (threat, paint, insider))
    assert Escalation.objects.filter(tip=threat).exists()
    assert Case.objects.get(tip=insider).oversight
    told = Notification.objects.filter(escalation__tip=insider).values_list("user__name", flat=True)
    assert set(told) == {"Chair"}


def test_the_triage_role_draws_the_quality_sample(acting_as, staffed, make_tip, assess, worker_host, noon):
    tip = make_tip("Somebody sprayed paint on the wall of the library last week")
    assess(tip)
    Assessment.objects.update(urgency="routine")

    with acting_as("triage"):
        for _ in range(2):
            sampling.draw(noon.date())

    assert QualityReview.objects.get().case.tip == tip


def test_the_triage_role_makes_good_what_is_missing(acting_as, staffed, make_tip, settings):
    settings.BROKER_URL = ""
    now = database_now()
    epochs.rotate(now)
    lost, caseless, unpaged = (make_tip() for _ in range(3))
    for tip in (caseless, unpaged):
        actions.assess_due(Due.objects.get(tip=tip).pk)
    Due.objects.all().delete()
    Case.objects.filter(tip=caseless).delete()
    Escalation.objects.filter(tip=unpaged).delete()

    with acting_as("triage"):
        assert reconcile.repair(now) == {"due": 1, "case": 1, "page": 2}

    assert Due.objects.get().tip == lost


def test_the_triage_role_clears_sessions_that_are_over_and_reads_none(acting_as):
    now = database_now()
    for key, left in (("over", -1), ("running", 1)):
        Session.objects.create(session_key=key, session_data="-", expire_date=now + timedelta(minutes=left))

    with acting_as("triage"):
        assert actions.forget_sessions(now) == 1
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.cursor().execute("SELECT session_data FROM django_session")

    assert Session.objects.get().session_key == "running"


def test_the_triage_role_hears_of_a_follow_up_on_its_conversations_case(acting_as, staffed, send, tip_of, follow_up):
    epochs.rotate(database_now())
    done = send("The sergeant sells what they seize", insider=True)
    first, second = tip_of(done), follow_up(done, "he is loading the gun now, he will shoot her")

    with acting_as("triage"):
        for tip in (first, second):
            actions.assess_due(Due.objects.get(tip=tip).pk)

    case = Case.objects.get()
    assert (case.oversight, case.unread) == (True, 1)


def test_the_page_role_sends_climbs_and_hears_replies(acting_as, page, carrier):
    with acting_as("page"):
        for pk, _ in deliver.waiting(limit=10):
            deliver.deliver(pk, send=carrier)
        loop._Beat(loop.PAGE)()
    assert len(carrier.carried) == 2
    note = Notification.objects.get(channel="sms")
    sender = next(message.to for channel, message in carrier.carried if channel == "sms")
    number = page.page_number
    said = [
        {"kind": "receipt", "reference": note.pk.hex, "id": "", "status": "delivered"},
        {"kind": "sms", "from": sender, "text": "27 AAAAAA"},
        {"kind": "sms", "from": sender, "text": codes.code_for(note.pk)},
        {"kind": "sms", "from": sender, "text": f"{number} PASS"},
        {
            "kind": "receipt",
            "reference": Notification.objects.get(channel="email").pk.hex,
            "id": "",
            "status": "failed",
        },
        {"kind": "sms", "from": sender, "text": "STOP"},
    ]
    for event in said:
        PagerEvent.objects.create(sealed=events.seal_event(event))
        with acting_as("page"):
            assert replies.handle_waiting(database_now()) == 1
        assert not PagerEvent.objects.exists()

    with acting_as("page"):
        assert engine.climb_due(database_now()) == 1
    assert Escalation.objects.get().times_taken == 1
    assert not Contact.objects.filter(active=True, user__name="Ada", channel="sms").exists()
    assert Notification.objects.filter(user__name="Ben").count() == 2


def test_the_page_role_hears_what_is_keyed_in_a_call(acting_as, make_person, make_ladder, on_call, make_page, carrier):
    ada = make_person("Ada", sms=None, email=None, voice="+14165550001")
    on_call(ada, make_person("Ben", sms=None, email=None, voice="+14165550002"))
    make_ladder((0, "first", ["voice"]), (120, "next", ["voice"]))
    make_page()
    with acting_as("page"):
        for pk, _ in deliver.waiting(limit=10):
            deliver.deliver(pk, send=carrier)
    note = Notification.objects.get()
    digits = contacts.open_digits(note.contact)

    for keyed, state in ((digits, "taken"), ("9", "open")):
        event = {"kind": "keyed", "reference": note.pk.hex, "id": "CA1", "digits": keyed}
        PagerEvent.objects.create(sealed=events.seal_event(event))
        with acting_as("page"):
            assert replies.handle_waiting(database_now()) == 1
        assert Escalation.objects.get().state == state
        Notification.objects.update(code_used=False)


def test_the_page_role_lets_a_taking_lapse_and_marks_a_bad_contact(acting_as, page, ada, carrier):
    from datetime import timedelta

    from triage.escalation.senders import Outcome

    taking.take(page.pk, by=ada, now=database_now())
    carrier.fails("sms", Outcome.FAILED_FOR_GOOD, address_is_bad=True)
    with acting_as("page"):
        later = database_now() + timedelta(minutes=5)
        assert engine.climb_due(later) == 1
        for pk, _ in deliver.waiting(now=later, limit=10):
            deliver.deliver(pk, send=carrier, now=later)
    assert Case.objects.get().status == "new"
    assert Contact.objects.get(user__name="Ben", channel="sms").failing


def test_the_page_role_gathers_the_pages_of_one_event(acting_as, page, make_page, carrier):
    event = uuid4()
    other = make_page(now=database_now())
    Notification.objects.all().delete()
    Escalation.objects.update(incident=event, joins=True, next_at=database_now(), step=0, loop=0)

    with acting_as("page"):
        assert engine.climb_due(database_now()) == 2
        later = database_now() + timedelta(minutes=1)
        for pk, _ in deliver.waiting(now=later, limit=10):
            deliver.deliver(pk, send=carrier, now=later)

    assert sorted(channel for channel, _ in carrier.carried) == ["email", "sms"]
    assert all("2 pages" in message.body for _, message in carrier.carried)
    assert Escalation.objects.running().filter(pk__in=[page.pk, other.pk]).count() == 2


@pytest.mark.parametrize("role", ["page", "watch", "pager"])
@pytest.mark.parametrize(
    "column",
    ["intake_tip.sealed", "intake_wrap.sealed", "triage_assessment.sealed", "triage_grant.sealed"],
)
def test_who_carries_pages_reads_no_tip_and_no_key(acting_as, page, role, column):
    table, name = column.split(".")

    with acting_as(role), connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
        cursor.execute(f"SELECT {name} FROM {table}")


def test_the_pager_role_only_leaves_events(acting_as, settings):
    settings.ROOT_URLCONF = "tipline.urls_pager"
    settings.MIDDLEWARE = settings.PAGER_MIDDLEWARE
    body = json.dumps({"from": "+14165550001", "text": "27 K4M9TX", "id": "in-1"}).encode()
    stamp = str(int(time.time()))
    signed = sign_gateway(settings.SMS_GATEWAY_SECRET, stamp, body)
    headers = {"X-Tipline-Timestamp": stamp, "X-Tipline-Signature": signed}

    with acting_as("pager"):
        answer = Client().post("/sms/gateway/", body, content_type="application/json", headers=headers)
        again = Client().post("/sms/gateway/", body, content_type="application/json", headers=headers)
        health = Client().get("/healthz")
        silent = Client().get("/health/escalator")

    assert (answer.status_code, again.status_code, health.status_code) == (204, 204, 200)
    assert silent.status_code == 503
    assert PagerEvent.objects.count() == 1


def test_the_watch_role_sees_what_stands_still(acting_as, page, make_tip, carrier, noon):
    moments = iter([0.0, 60.0, 60.0, 60.0])
    watcher = watching.Watcher(send=carrier, monotonic=lambda: next(moments, 60.0))

    with acting_as("watch"):
        found = watcher.look(database_now())
        assert unread.Unread(send=carrier).look(database_now()) == 0
        assert unread.Unread(send=carrier).look(database_now() + timedelta(hours=13)) == 1
        staffing.Staffing(send=lambda channel, message: Result(Outcome.ACCEPTED, "test")).look(database_now())
        later = database_now() + timedelta(minutes=1)
        assert (
            staffing.Staffing(send=lambda channel, message: Result(Outcome.ACCEPTED, "test")).look(later) == 1
        )  # there is no oversight person
        side = priority.Side(page.program_id, oversight=False)
        assert [reach.address for reach in priority.on_duty(side)] == ["ada@example.org"]
        assert priority.Priority(send=carrier).look(database_now()) == 0

    assert found == {"silent escalator-triage", "silent escalator-page"}
    # Ada, Ben and the chief by mail, and the chief of what is unread; Ada and Ben are on call.
    assert sorted(channel for channel, _ in carrier.carried) == ["email"] * 4 + ["sms"] * 2


def test_the_console_role_takes_passes_on_and_opens(acting_as, page, ada):
    case = page.case
    with acting_as("console"):
        taking.take_case(case, by=ada, now=database_now())
        taking.pass_on(case, by=ada, now=database_now())
        assert taking.what_next(case, now=database_now()) is not None
        taking.mark_opened(case, by=ada, now=database_now())

    assert not Escalation.objects.running().exists()
