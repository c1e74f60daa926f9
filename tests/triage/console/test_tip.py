"""The page of one tip: opening, reading, deciding."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from intake import actions as intake_actions
from intake.message import Message
from intake.models import Receipt, TipStatus
from triage import actions
from triage.audit import chain
from triage.audit.chain import Event
from triage.escalation import taking
from triage.models import AuditEntry, Case, CaseStatus, Correction, Escalation

from .conftest import WORDS

pytestmark = pytest.mark.django_db


def _page(client, case, status=200):
    answer = client.get(f"/tips/{case.pk}/")
    assert answer.status_code == status
    return answer.content.decode()


def _open(client, case):
    return client.post(f"/tips/{case.pk}/open/", {"why": "we work on it together"}, follow=True).content.decode()


def test_what_moves_on_the_page_is_asked_for_alone_and_only_by_who_may_see_it(adas, chair, sign_in, urgent):
    moving = adas.get(f"/tips/{urgent.pk}/calls/").content.decode()

    assert "Nobody has taken this yet." in moving
    assert f'hx-get="/tips/{urgent.pk}/calls/"' in moving
    assert "<html" not in moving
    assert 'id="calls"' in _page(adas, urgent)
    assert sign_in(chair).get(f"/tips/{urgent.pk}/calls/").status_code == 404


@pytest.fixture
def follow_up(program, noon):
    """Add to a conversation, and let a worker assess it."""

    def add(done, text):
        intake_actions.follow_up(program, done.phrase, Message(text=text), channel="web", key=text, now=noon)
        tip = Receipt.objects.get().tip.follow_ups.order_by("-number").first()
        actions.assess_due(tip.due.pk)

    return add


@pytest.fixture
def sent(send, tip_of, epoch_seed, monkeypatch):
    """A tip with its receipt, assessed."""
    from triage import epochs

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    done = send(WORDS)
    actions.assess_due(tip_of(done).due.pk)
    return done


@pytest.fixture
def case(sent, tip_of):
    return Case.objects.get(tip=tip_of(sent))


def test_before_it_is_opened_no_word_of_it_shows(adas, case):
    page = _page(adas, case)

    assert "uncle" not in page
    assert "Open it" in page


def test_opening_ends_the_page_tells_the_sender_and_is_on_record(adas, ada, case):
    page = _open(adas, case)

    case.refresh_from_db()
    assert "uncle" in page
    assert not Escalation.objects.running().exists()
    assert case.status == CaseStatus.OPEN
    assert case.tip.status == TipStatus.OPENED
    assert AuditEntry.objects.get(event=Event.TIP_OPENED).actor == ada.user


def test_looking_is_not_opening(adas, case):
    _page(adas, case)

    case.refresh_from_db()
    assert Escalation.objects.running().exists()
    assert case.tip.status == TipStatus.RECEIVED


def test_each_person_opens_for_themselves(adas, bob, sign_in, case):
    _open(adas, case)
    bobs = sign_in(bob)

    assert "uncle" not in _page(bobs, case)
    assert "uncle" in _open(bobs, case)
    assert AuditEntry.objects.filter(event=Event.TIP_OPENED).count() == 2


def test_the_reasons_are_marked_in_the_words(adas, case):
    page = _open(adas, case)

    assert '<mark class="reason">' in page
    assert "Why the program thinks so" in page
    assert 'href="#why-0-1"' in page


def test_what_was_typed_is_shown_as_text(adas, case_of):
    case = case_of("<script>alert(1)</script> {{ 7|add:7 }} a gun at school tomorrow & <b>")

    page = _open(adas, case)

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page or "&lt;" in page
    assert "{{ 7|add:7 }}" in page


def test_source_risk_stands_in_red(adas, case_of):
    case = case_of(WORDS, guessable="yes", worse_if_police="unsure", who_knows="only my sister")

    page = _open(adas, case)

    assert "They could guess who wrote this." in page
    assert 'class="risk"' in page
    assert "only my sister" in page
    assert "One anonymous, unverified source." in page


def test_a_follow_up_is_unread_until_opened(adas, case, sent, follow_up):
    _open(adas, case)
    follow_up(sent, "he is loading it now")

    before = _page(adas, case)
    after = _open(adas, case)

    assert "loading" not in before
    assert "Open what is new" in before
    assert "loading" in after
    case.refresh_from_db()
    assert case.unread == 0
    assert set(case.tip.follow_ups.values_list("status", flat=True)) == {TipStatus.OPENED}


def test_an_answer_reaches_the_sender_and_stands_after_what_it_answers(adas, case, sent, follow_up):
    _open(adas, case)
    adas.post(f"/tips/{case.pk}/reply/", {"text": "Which entrance?", "after": "0"})
    follow_up(sent, "the gym door with a gun")

    page = _open(adas, case)

    assert intake_actions.conversation(case.program, sent.phrase).replies == ["Which entrance?"]
    assert page.index("uncle") < page.index("Which entrance?") < page.index('id="message-1"')


def test_an_answer_to_a_locked_code_is_announced_as_unread_for_ever(adas, case, sent):
    _open(adas, case)
    intake_actions.lock(case.program, sent.phrase)

    assert "nobody can read an answer any more" in _page(adas, case)


def test_an_empty_answer_is_refused_and_nothing_is_lost(adas, case):
    _open(adas, case)

    answer = adas.post(f"/tips/{case.pk}/reply/", {"text": "  ", "after": "0"})

    assert answer.status_code == 422
    assert "Write an answer first." in answer.content.decode()


def test_a_correction_is_sealed_and_shows(adas, ada, case):
    _open(adas, case)
    version = Case.objects.get().version

    adas.post(
        f"/tips/{case.pk}/correct/",
        {"urgency": "routine", "categories": ["bullying", "vandalism"], "version": version},
    )

    case.refresh_from_db()
    assert case.urgency == "routine"
    assert b"bullying" not in bytes(Correction.objects.get().sealed)
    page = _page(adas, case)
    assert "Bullying" in page
    assert "corrected by a person" in page
    assert "Bullying" in adas.get("/").content.decode()
    assert "Ada" in page


def test_whoever_comes_second_is_told_and_keeps_what_they_typed(adas, bob, sign_in, case):
    _open(adas, case)
    bobs = sign_in(bob)
    _open(bobs, case)
    version = Case.objects.get().version
    data = {"urgency": "priority", "categories": ["weapons"], "version": version}
    adas.post(f"/tips/{case.pk}/correct/", data)

    answer = bobs.post(f"/tips/{case.pk}/close/", {"reason": "false", "note": "I asked the school", "version": version})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Meanwhile Ada corrected category or level." in page
    assert "I asked the school" in page
    case.refresh_from_db()
    assert case.status == CaseStatus.OPEN
    again = bobs.post(
        f"/tips/{case.pk}/close/",
        {"reason": "false", "note": "I asked the school", "version": answer.context["close"]["version"].value()},
    )
    assert again.status_code == 302


def test_closing_keeps_the_reason_sealed_and_tells_the_sender(adas, case):
    _open(adas, case)
    version = Case.objects.get().version

    adas.post(f"/tips/{case.pk}/close/", {"reason": "prank", "note": "a dare", "version": version})

    case.refresh_from_db()
    assert case.status == CaseStatus.CLOSED
    assert case.tip.status == TipStatus.CLOSED
    entry = AuditEntry.objects.get(event=Event.CLOSED)
    assert b"prank" not in bytes(entry.sealed)
    assert "A prank: a dare" in _page(adas, case)
    assert chain.verify(case.program) is None


def test_nothing_is_closed_while_something_is_unread(adas, case, sent, follow_up):
    _open(adas, case)
    follow_up(sent, "one more thing")
    version = Case.objects.get().version

    answer = adas.post(f"/tips/{case.pk}/close/", {"reason": "test", "version": version})

    assert answer.status_code == 409
    assert "Open it before you close" in answer.content.decode()


def test_a_closed_tip_is_opened_again_on_purpose(adas, ada, case):
    _open(adas, case)
    adas.post(f"/tips/{case.pk}/close/", {"reason": "test", "version": Case.objects.get().version})
    refused = adas.post(f"/tips/{case.pk}/reply/", {"text": "late", "after": "0"})

    adas.post(f"/tips/{case.pk}/reopen/", {"version": Case.objects.get().version, "why": "More came"})

    case.refresh_from_db()
    assert refused.status_code == 409
    assert "late" in refused.content.decode()
    assert (case.status, case.taken_by) == (CaseStatus.OPEN, ada.user)


def test_a_closed_tip_stands_among_the_closed(adas, case):
    _open(adas, case)
    adas.post(f"/tips/{case.pk}/close/", {"reason": "test", "version": Case.objects.get().version})

    assert f"tip-{case.pk}" not in adas.get("/").content.decode()
    closed = adas.get("/?show=closed").content.decode()
    assert f"tip-{case.pk}" in closed
    assert "School threat" in closed


def test_submitter_details_take_a_reason_and_show_once(adas, case_of):
    case = case_of(WORDS, name="Maria Doe", reach="after six")
    assert "Maria" not in _open(adas, case)

    short = adas.post(f"/tips/{case.pk}/submitter/", {"why": "because"})
    shown = adas.post(f"/tips/{case.pk}/submitter/", {"why": "She asked to be called tonight"})

    assert short.status_code == 422
    assert "Maria" not in short.content.decode()
    assert "Maria Doe" in shown.content.decode()
    assert "Maria" not in _page(adas, case)
    entry = AuditEntry.objects.get(event=Event.IDENTITY_OPENED)
    assert b"She asked" not in bytes(entry.sealed)
    assert "She asked to be called tonight" in _page(adas, case)


def test_there_is_no_button_for_details_nobody_left(adas, case):
    page = _open(adas, case)

    assert "The sender left no details." in page
    assert adas.post(f"/tips/{case.pk}/submitter/", {"why": "just to look at it"}).status_code == 403


def test_nothing_is_decided_by_somebody_who_did_not_read(adas, case):
    for path, data in (
        ("reply", {"text": "x", "after": 0}),
        ("correct", {"urgency": "routine", "categories": ["drugs"], "version": case.version}),
        ("close", {"reason": "test", "version": case.version}),
        ("submitter", {"why": "just to look at it"}),
    ):
        assert adas.post(f"/tips/{case.pk}/{path}/", data).status_code == 403, path
    assert not Correction.objects.exists()


def test_a_tip_about_our_own_people_exists_only_for_those_who_read_it(adas, chair, sign_in, case_of):
    case = case_of("The sergeant sells guns at school", insider=True)
    chairs = sign_in(chair)

    assert adas.get(f"/tips/{case.pk}/").status_code == 404
    assert f"{case.pk}" not in adas.get("/").content.decode()
    assert "sergeant" in _open(chairs, case)


def test_a_person_without_the_grant_sees_that_it_is_sealed(adas, ada, case):
    ada.user.grants.all().delete()

    page = _page(adas, case)
    answer = adas.post(f"/tips/{case.pk}/open/")

    assert "Your keys do not open this tip" in page
    assert answer.status_code == 403
    assert Escalation.objects.running().exists()


def test_idle_locks_and_keeps_what_was_typed(adas, ada, case, sent, monkeypatch):
    _open(adas, case)
    later = timezone.now() + timedelta(minutes=16)
    monkeypatch.setattr(timezone, "now", lambda: later)
    asked = adas.post(f"/tips/{case.pk}/reply/", {"text": "Are you <safe>?", "after": "0"})
    assert asked.status_code == 200
    assert intake_actions.conversation(case.program, sent.phrase).replies == []
    assert 'value="Are you &lt;safe&gt;?"' in asked.content.decode()

    wrong = adas.post(
        f"/tips/{case.pk}/reply/",
        {"text": "Are you <safe>?", "after": "0", "unlock_for": "POST", "unlock_with": "wrong"},
    )
    right = adas.post(
        f"/tips/{case.pk}/reply/",
        {"text": "Are you <safe>?", "after": "0", "unlock_for": "POST", "unlock_with": ada.phrase},
    )

    assert wrong.status_code == 422
    assert 'value="Are you &lt;safe&gt;?"' in wrong.content.decode()
    assert right.status_code == 302
    assert intake_actions.conversation(case.program, sent.phrase).replies == ["Are you <safe>?"]


def test_after_twelve_hours_one_signs_in_again(adas, monkeypatch):
    later = timezone.now() + timedelta(hours=12, minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert adas.get("/")["Location"] == "/sign-in/"


def test_five_minutes_are_spoken_of_only_while_somebody_is_being_called(adas, case, case_of):
    calm = case_of("Somebody paints the bridge at night")
    Escalation.objects.filter(case=calm).delete()

    pressing = adas.post(f"/tips/{case.pk}/take/", follow=True).content.decode()
    quiet = adas.post(f"/tips/{calm.pk}/take/", follow=True).content.decode()

    assert "within five minutes" in pressing
    assert "within five minutes" not in quiet
    assert "It is yours." in quiet


def test_passing_on_gives_it_back(adas, ada, case):
    taking.take_case(case, by=ada.user, now=timezone.now())

    adas.post(f"/tips/{case.pk}/pass-on/")

    case.refresh_from_db()
    assert (case.status, case.taken_by) == (CaseStatus.NEW, None)


def test_the_page_takes_few_queries(adas, case, sent, follow_up, django_assert_max_num_queries):
    _open(adas, case)
    adas.post(f"/tips/{case.pk}/reply/", {"text": "one", "after": "0"})
    follow_up(sent, "with a gun at school today")
    follow_up(sent, "and a second one with a gun")

    with django_assert_max_num_queries(20):
        adas.get(f"/tips/{case.pk}/")


def test_the_record_keeps_no_word_in_clear(adas, case):
    _open(adas, case)
    adas.post(f"/tips/{case.pk}/reply/", {"text": "Which entrance?", "after": "0"})

    entry = AuditEntry.objects.get(event=Event.REPLIED)
    assert json.dumps({"reply": 1}).encode()[1:-1] not in bytes(entry.sealed)
