"""Who the sender is: opened with a reason on record, by two where the program wants it; taken back by the sender."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from intake import actions as intake_actions
from intake.models import Purpose, Tip, Wrap
from triage.audit import chain
from triage.audit.chain import Event
from triage.console import opening
from triage.models import AuditEntry, Case, Grant, IdentityRequest
from triage.vault.keys import Unlocked

from .conftest import QUIET

pytestmark = pytest.mark.django_db
WHY = "They asked to be called back"


@pytest.fixture
def sent(send):
    return send(QUIET, name="Maria Doe", reach="after six")


@pytest.fixture
def case(sent, tip_of, epoch_seed, monkeypatch):
    from triage import actions, epochs

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    tip = tip_of(sent)
    actions.assess_due(tip.due.pk)
    return Case.objects.get(tip=tip)


@pytest.fixture
def two_needed(program):
    program.identity_needs_two = True
    program.save()


@pytest.fixture
def bobs(sign_in, bob, case):
    client = sign_in(bob)
    client.post(f"/tips/{case.pk}/open/", {"why": "we work on it together"})
    return client


@pytest.fixture
def reading(adas, case):
    """Ada's visitor, who has opened the tip."""
    adas.post(f"/tips/{case.pk}/open/")
    return adas


def _ask(client, case, **more):
    return client.post(f"/tips/{case.pk}/submitter/", {"why": WHY, **more})


def _agree(client, case):
    return client.post(f"/tips/{case.pk}/agree/")


def _page(client, case):
    return client.get(f"/tips/{case.pk}/").content.decode()


def _record(case, event, unlocked):
    entry = AuditEntry.objects.filter(tip=case.tip_id, event=event).latest("number")
    key = opening.data_keys([case.tip], unlocked)[case.tip_id]
    return entry, json.loads(chain.text_of(entry, tip=case.tip, data_key=key))


def test_one_person_with_a_reason_is_enough_unless_the_program_says_otherwise(reading, case, program):
    assert not program.identity_needs_two

    shown = _ask(reading, case)

    assert "Maria Doe" in shown.content.decode()
    assert not IdentityRequest.objects.exists()


def test_without_having_opened_the_tip_nobody_asks_who_sent_it(adas, case):
    answer = _ask(adas, case)

    assert answer.status_code == 403
    assert "Maria Doe" not in answer.content.decode()


def test_where_two_are_needed_the_first_press_only_asks(reading, case, two_needed):
    answer = _ask(reading, case)

    assert answer.status_code == 302
    page = _page(reading, case)
    assert "You asked. Tell a colleague" in page
    assert "Maria Doe" not in page
    assert "Maria Doe" not in reading.post(f"/tips/{case.pk}/submitter/", {"why": WHY}, follow=True).content.decode()
    assert set(AuditEntry.objects.filter(tip=case.tip_id).values_list("event", flat=True)) >= {Event.IDENTITY_ASKED}


def test_a_colleague_agrees_from_her_own_session_and_the_record_names_both(reading, bobs, case, two_needed, ada, bob):
    _ask(reading, case)
    seen = _page(bobs, case)
    assert "Ada asks a second person" in seen
    assert WHY in seen

    _agree(bobs, case)
    shown = reading.post(f"/tips/{case.pk}/submitter/")

    assert "Maria Doe" in shown.content.decode()
    unlocked = reading.get("/").wsgi_request.vault
    opened, noted = _record(case, Event.IDENTITY_OPENED, unlocked)
    agreed, also = _record(case, Event.IDENTITY_AGREED, unlocked)
    assert (opened.actor, noted) == (ada.user, {"why": WHY, "with": "Bob"})
    assert (agreed.actor, also) == (bob.user, {"with": "Ada"})
    assert chain.verify(case.program_id) is None
    assert f"{WHY}, with Bob" in _page(reading, case)


def test_one_agreement_opens_once(reading, bobs, case, two_needed):
    _ask(reading, case)
    _agree(bobs, case)
    reading.post(f"/tips/{case.pk}/submitter/")

    again = reading.post(f"/tips/{case.pk}/submitter/")

    assert again.status_code == 422
    assert "Maria Doe" not in again.content.decode()


def test_nobody_agrees_to_their_own_asking(reading, case, two_needed, ada):
    _ask(reading, case)

    _agree(reading, case)

    assert IdentityRequest.objects.get().agreed_by is None
    with pytest.raises(IntegrityError), transaction.atomic():
        IdentityRequest.objects.update(agreed_by=ada.user)


def test_who_agrees_is_not_shown_the_details(reading, bobs, case, two_needed):
    _ask(reading, case)
    _agree(bobs, case)

    theirs = bobs.post(f"/tips/{case.pk}/submitter/", {"why": WHY}, follow=True)

    assert "Maria Doe" not in theirs.content.decode()


def test_after_half_an_hour_the_asking_is_over(reading, bobs, case, two_needed, monkeypatch):
    _ask(reading, case)
    _agree(bobs, case)
    for client in (reading, bobs):
        assert client.get("/cover/").status_code == 204
    IdentityRequest.objects.update(until=timezone.now() - timedelta(seconds=1))

    late = reading.post(f"/tips/{case.pk}/submitter/", {"why": WHY}, follow=True)

    assert "Maria Doe" not in late.content.decode()
    assert "You asked" in late.content.decode()


def test_an_asking_is_good_for_thirty_minutes_and_not_longer(reading, case, two_needed):
    before = timezone.now()
    _ask(reading, case)

    assert timedelta(minutes=30) <= IdentityRequest.objects.get().until - before < timedelta(minutes=31)


def test_a_late_agreement_is_none(reading, bobs, case, two_needed):
    _ask(reading, case)
    IdentityRequest.objects.update(until=timezone.now() - timedelta(seconds=1))

    said = bobs.post(f"/tips/{case.pk}/agree/", follow=True).content.decode()

    assert "Nobody asks for it any more" in said
    assert not AuditEntry.objects.filter(event=Event.IDENTITY_AGREED).exists()


def test_who_holds_no_identity_key_cannot_agree(reading, bobs, case, two_needed, bob):
    Grant.objects.filter(user=bob.user, program_key__purpose=Purpose.IDENTITY).delete()
    _ask(reading, case)

    answer = _agree(bobs, case)

    assert answer.status_code == 403
    assert IdentityRequest.objects.get().agreed_by is None


def test_who_cannot_see_the_case_cannot_agree(reading, sign_in, chair, stranger, case, two_needed):
    _ask(reading, case)

    for somebody in (chair, stranger):
        assert _agree(sign_in(somebody), case).status_code == 404
    assert IdentityRequest.objects.get().agreed_by is None


def test_the_reason_is_kept_under_the_tips_key(reading, case, two_needed):
    _ask(reading, case)

    assert WHY.encode() not in bytes(IdentityRequest.objects.get().sealed)


def test_what_the_sender_took_back_is_not_there_to_be_opened(reading, case, sent, noon, ada):
    intake_actions.withdraw_identity(case.program, sent.phrase, now=noon)

    page = _page(reading, case)
    answer = _ask(reading, case)

    assert "The sender removed their details on Wed 4 Mar." in page
    assert "Submitter details: sealed" not in page
    assert answer.status_code == 403
    assert not AuditEntry.objects.filter(event=Event.IDENTITY_OPENED).exists()
    assert not Wrap.objects.filter(tip=case.tip, purpose="identity").exists()
    assert bytes(Tip.objects.get(pk=case.tip_id).sealed_identity) == b""
    assert isinstance(reading.get("/").wsgi_request.vault, Unlocked)


def test_who_took_back_nothing_had_left_nothing(program, adas, case_of, send, tip_of, noon, epoch_seed, monkeypatch):
    from triage import actions, epochs

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    done = send(QUIET)
    actions.assess_due(tip_of(done).due.pk)
    plain = Case.objects.get(tip=tip_of(done))
    intake_actions.withdraw_identity(program, done.phrase, now=noon)
    adas.post(f"/tips/{plain.pk}/open/")

    assert "The sender left no details." in _page(adas, plain)


def test_the_board_tells_colleagues_that_somebody_asks_and_nobody_else(
    reading, bobs, sign_in, chair, stranger, case, two_needed, ada
):
    _ask(reading, case)

    said = "asks for a second person"
    assert f"{ada.user.name} {said}" in bobs.get("/").content.decode()
    assert said not in reading.get("/").content.decode()
    for other in (chair, stranger):
        assert said not in sign_in(other).get("/").content.decode()
