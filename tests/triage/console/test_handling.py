"""Working on a tip: notes, handing over, looking again, who was told, answers that confirm nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from intake.message import Message
from intake.models import Reply
from triage.audit import chain
from triage.audit.chain import Event
from triage.console import handling, hints, texts
from triage.models import AuditEntry, Case, CaseStatus, Escalation, Note, ProgramText, TextKind

from .conftest import QUIET

pytestmark = pytest.mark.django_db


def _now(case):
    return Case.objects.get(pk=case.pk)


def _page(client, case):
    return client.get(f"/tips/{case.pk}/").content.decode()


@pytest.fixture
def opened(adas, case_of):
    """A quiet tip that Ada has opened."""
    case = case_of(QUIET)
    adas.post(f"/tips/{case.pk}/open/")
    return case


def test_a_note_for_the_team_is_read_by_the_team(adas, bob, sign_in, opened):
    adas.post(f"/tips/{opened.pk}/note/", {"text": "The rink has a camera"})
    bobs = sign_in(bob)
    assert "camera" not in _page(bobs, opened)
    bobs.post(f"/tips/{opened.pk}/open/", {"why": "we share it"})

    assert "The rink has a camera" in _page(bobs, opened)
    assert b"camera" not in bytes(Note.objects.get().sealed)


def test_a_note_for_oneself_is_read_by_nobody_else(adas, bob, sign_in, opened):
    adas.post(f"/tips/{opened.pk}/note/", {"text": "Ask my sister", "private": "on"})
    bobs = sign_in(bob)
    bobs.post(f"/tips/{opened.pk}/open/", {"why": "we share it"})

    assert "Ask my sister" in _page(adas, opened)
    assert "Ask my sister" not in _page(bobs, opened)
    assert not AuditEntry.objects.filter(event=Event.NOTED).exists()


def test_nobody_writes_about_a_tip_they_have_not_opened(adas, case_of):
    case = case_of()

    for act in ("note", "told", "duty", "hand-over", "look-again", "wait", "risk", "undo", "take-over"):
        assert adas.post(f"/tips/{case.pk}/{act}/", {"text": "x"}).status_code == 403, act
    assert not Note.objects.exists()


def test_a_tip_is_handed_over_with_a_note(adas, ada, bob, sign_in, opened):
    adas.post(f"/tips/{opened.pk}/hand-over/", {"to": bob.user.pk, "text": "Call the rink at eight"})

    case = _now(opened)
    assert (case.taken_by, case.handed, case.status) == (bob.user, True, CaseStatus.OPEN)
    bobs = sign_in(bob)
    assert "given to you" in bobs.get("/").content.decode()
    bobs.post(f"/tips/{opened.pk}/open/", {"why": "we share it"})
    assert "Call the rink at eight" in _page(bobs, opened)
    assert not _now(opened).handed


def test_a_tip_is_given_to_nobody_who_may_not_see_it(adas, chair, stranger, opened):
    for person in (chair, stranger):
        answer = adas.post(f"/tips/{opened.pk}/hand-over/", {"to": person.user.pk})
        assert answer.status_code == 422
    assert _now(opened).taken_by.name == "Ada"


def test_what_is_still_paging_is_not_handed_over(adas, ada, bob, staffed_page):
    with pytest.raises(handling.NotOpened):
        handling.hand_over(staffed_page, bob.user, "", by=ada.user, root_key=b"k" * 32, now=timezone.now())


@pytest.fixture
def staffed_page(urgent):
    """An urgent tip nobody has opened."""
    assert Escalation.objects.running().filter(case=urgent).exists()
    return urgent


def test_at_the_end_of_a_shift_one_press_hands_all_over(adas, bob, sign_in, case_of, urgent):
    mine = [case_of(QUIET), case_of("Somebody paints trains at night")]
    for case in mine:
        adas.post(f"/tips/{case.pk}/open/")
    adas.post(f"/tips/{urgent.pk}/take/")

    page = adas.post("/hand-over/", {"to": bob.user.pk, "text": "Quiet night"}, follow=True).content.decode()

    assert "Bob has 2 tips from you now." in page
    assert "These stay with you" in page
    assert set(Case.objects.filter(taken_by=bob.user)) == {_now(case) for case in mine}
    assert _now(urgent).taken_by.name == "Ada"
    assert Note.objects.count() == 2


def test_a_colleague_takes_over_what_somebody_left(adas, bob, sign_in, opened):
    bobs = sign_in(bob)
    bobs.post(f"/tips/{opened.pk}/open/", {"why": "we share it"})
    bobs.post(f"/tips/{opened.pk}/take-over/")

    assert (_now(opened).taken_by, _now(opened).handed) == (bob.user, False)


def test_looking_again_is_known_to_the_quarter_hour(adas, opened):
    adas.post(f"/tips/{opened.pk}/look-again/", {"when": "2h"})

    at = _now(opened).look_again_at
    assert at.minute % 15 == at.second == at.microsecond == 0
    assert timedelta(0) <= at - timezone.now() - timedelta(hours=2) < timedelta(minutes=15)
    adas.post(f"/tips/{opened.pk}/look-again/", {"when": "never"})
    assert _now(opened).look_again_at is None


def test_closing_forgets_when_to_look_again(adas, opened):
    adas.post(f"/tips/{opened.pk}/look-again/", {"when": "7"})
    adas.post(f"/tips/{opened.pk}/close/", {"reason": "resolved", "version": _now(opened).version})

    assert _now(opened).look_again_at is None


def test_who_was_told_stands_on_record_without_a_word_of_the_tip(adas, urgent):
    adas.post(f"/tips/{urgent.pk}/open/")
    assert adas.post(f"/tips/{urgent.pk}/told/", {"who": "Police control room"}).status_code == 409
    adas.post(f"/tips/{urgent.pk}/risk/")
    adas.post(f"/tips/{urgent.pk}/told/", {"who": "Police control room"})

    entry = AuditEntry.objects.get(event=Event.TOLD)
    assert entry.hour.minute == 0
    assert "<strong>Police control room</strong> was told" in _page(adas, urgent)
    assert chain.verify(urgent.program_id) is None


def test_the_card_is_one_page_of_an_opened_tip(adas, urgent):
    assert adas.get(f"/tips/{urgent.pk}/card/").status_code == 302
    adas.post(f"/tips/{urgent.pk}/open/")

    card = adas.get(f"/tips/{urgent.pk}/card/").content.decode()

    assert "One anonymous, unverified source." in card
    assert "Police control room" in card
    assert "uncle" not in card


def test_where_the_sender_said_nothing_the_worst_is_taken(adas, urgent):
    adas.post(f"/tips/{urgent.pk}/open/")

    assert "Take it that both are so." in _page(adas, urgent)


def test_an_answer_that_repeats_the_tip_is_sent_only_when_the_writer_knows(adas, case_of):
    case = case_of("I saw Marcus put it in locker 214 today")
    adas.post(f"/tips/{case.pk}/open/")
    said = {"text": "Does Marcus still have it?", "after": 0, "version": _now(case).version}

    refused = adas.post(f"/tips/{case.pk}/reply/", said)

    assert refused.status_code == 422
    assert "It repeats what stands in the tip: Marcus." in refused.content.decode()
    assert "Does Marcus still have it?" in refused.content.decode()
    assert not Reply.objects.exists()
    assert adas.post(f"/tips/{case.pk}/reply/", said | {"repeats": "on"}).status_code == 302


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("Is it still in locker 214?", ["214"]),
        ("marcus?", ["Marcus"]),
        ("Where is it? Thank you. I read it today.", []),
        ("A grey honda?", ["Honda"]),
        ("Riverside reads all of it.", []),
    ],
)
def test_names_numbers_and_facts_are_what_an_answer_must_not_repeat(answer, found):
    tip = Message("Today I saw Marcus near locker 214. Riverside knows.", vehicle="a Honda")

    assert hints.repeated(answer, hints.of([tip], known=["Riverside Tip Line"])) == found


def test_the_second_of_two_answers_is_told_of_the_first_and_keeps_its_words(adas, bob, sign_in, opened):
    bobs = sign_in(bob)
    bobs.post(f"/tips/{opened.pk}/open/", {"why": "we share it"})
    version = _now(opened).version
    adas.post(f"/tips/{opened.pk}/reply/", {"text": "Which door is it?", "after": 0, "version": version})

    answer = bobs.post(f"/tips/{opened.pk}/reply/", {"text": "Which day is it?", "after": 0, "version": version})
    page = answer.content.decode()

    assert answer.status_code == 409
    assert "Meanwhile Ada sent an answer." in page
    assert "Which door is it?" in page
    assert "Which day is it?" in page
    assert Reply.objects.count() == 1


def test_the_second_of_two_corrections_sees_both(adas, bob, sign_in, opened):
    bobs = sign_in(bob)
    bobs.post(f"/tips/{opened.pk}/open/", {"why": "we share it"})
    data = {"urgency": "priority", "categories": ["drugs", "weapons"], "version": _now(opened).version}
    adas.post(f"/tips/{opened.pk}/correct/", data)

    page = bobs.post(f"/tips/{opened.pk}/correct/", data | {"urgency": "urgent"}).content.decode()

    assert "Meanwhile Ada corrected category or level." in page
    assert "It says now: Priority, Drugs, Weapons." in page
    assert 'value="urgent" checked' in page


def test_waiting_for_the_sender_ends_when_what_they_wrote_is_opened(adas, opened):
    adas.post(f"/tips/{opened.pk}/reply/", {"text": "Which door?", "after": 0, "wait": "on"})
    assert _now(opened).waiting
    assert "Waiting for the sender" in _page(adas, opened)
    Case.objects.filter(pk=opened.pk).update(unread=1, status=CaseStatus.NEW, taken_by=None)
    assert "The sender has answered." in _page(adas, opened)

    adas.post(f"/tips/{opened.pk}/open/")

    assert not _now(opened).waiting


def test_ready_answers_come_in_the_senders_language_with_the_programs_numbers(adas, program, case_of):
    program.crisis_line = "1-866-555-0101"
    program.save()
    case = case_of("Mi hermano dice que no quiere vivir y tiene pastillas en su cuarto")
    adas.post(f"/tips/{case.pk}/open/")

    page = _page(adas, case)

    assert "1-866-555-0101" in page
    assert "{crisis}" not in page
    ready = page[page.index("Ready answers") :]
    assert ready.index("Preguntar") < ready.index("Ask where and when")


def test_who_changes_whom_to_call_stands_on_record(adas, ada, program):
    def noted():
        return AuditEntry.objects.filter(event="call_contacts_changed", actor=ada.user).count()

    adas.post("/texts/save/", {"kind": "contact", "title": "School office", "body": "555-0100"})
    row = ProgramText.objects.get(program=program, title="School office")
    adas.post("/texts/save/", {"id": row.pk, "kind": "say", "title": "", "body": "moved away"})
    adas.post("/texts/save/", {"kind": "contact", "title": "Nobody", "body": ""})
    adas.post("/texts/save/", {"kind": "reply", "title": "Thanks", "body": "Thank you."})
    assert noted() == 2

    other = ProgramText.objects.filter(program=program, kind="contact").first()
    adas.post("/texts/remove/", {"id": other.pk})

    assert noted() == 3
    assert not AuditEntry.objects.filter(event="call_contacts_changed").exclude(sealed=b"").exists()


def test_a_program_writes_its_own_texts_and_keeps_ours_beside_them(adas, program):
    assert "Police control room" in adas.get("/texts/").content.decode()

    adas.post("/texts/save/", {"kind": "contact", "title": "School office", "body": "555-0100, from eight"})

    assert ProgramText.objects.filter(kind=TextKind.CONTACT).count() == 5
    page = adas.get("/texts/").content.decode()
    assert "555-0100, from eight" in page
    row = ProgramText.objects.get(title="School office")
    adas.post("/texts/save/", {"id": row.pk, "kind": "contact", "title": "School office", "body": "555-0199"})
    assert "555-0199" in adas.get("/texts/").content.decode()
    adas.post("/texts/remove/", {"id": row.pk})
    assert not ProgramText.objects.filter(pk=row.pk).exists()


def test_a_text_without_words_is_refused_and_a_strangers_does_not_exist(adas, sign_in, stranger, program):
    assert adas.post("/texts/save/", {"kind": "reply", "title": "Empty", "body": ""}).status_code == 422
    row = ProgramText.objects.create(program=program, kind=TextKind.REPLY, title="Ours", body="Thank you")
    theirs = sign_in(stranger)

    assert theirs.post("/texts/remove/", {"id": row.pk}).status_code == 404
    assert theirs.post("/texts/save/", {"id": row.pk, "kind": "reply", "body": "x"}).status_code == 404
    assert "Thank you" not in [each.body for each in texts.of(stranger.user.memberships.get().program).replies]


def test_the_page_of_a_tip_asks_no_more_than_twenty_queries(adas, urgent, django_assert_max_num_queries):
    adas.post(f"/tips/{urgent.pk}/open/")
    adas.post(f"/tips/{urgent.pk}/note/", {"text": "One"})

    with django_assert_max_num_queries(20):
        adas.get(f"/tips/{urgent.pk}/")
