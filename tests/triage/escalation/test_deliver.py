"""One notification is sent once, its outcome stored once, and every failure has a next step."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from tipline.outbox import OutboxServer
from triage.escalation import carriers, deliver, engine, taking
from triage.escalation.senders import Outcome, Result
from triage.models import Contact, Escalation, EscalationState, Notification, NotificationState

pytestmark = pytest.mark.django_db


@pytest.fixture
def send_all(carrier):
    """Send everything that is due."""

    def _send_all(now) -> int:
        due = deliver.waiting(now=now, limit=100)
        for pk, _ in due:
            deliver.deliver(pk, send=carrier, now=now)
        return len(due)

    return _send_all


def states(page: Escalation, **only) -> dict[str, str]:
    return {
        f"{note.user.name} {note.channel}": note.state
        for note in Notification.objects.filter(escalation=page, kind="page", **only).select_related("user")
    }


def test_a_page_goes_to_the_address_with_its_number_and_nothing_of_the_tip(staffed, make_page, carrier, send_all, noon):
    page = make_page()

    send_all(noon)

    said = dict(carrier.carried)
    assert said["sms"].to.startswith("+1416555")
    assert said["email"].to == "ada@example.org"
    assert f"TL {page.page_number} NOW" in said["sms"].body
    assert "next person in 2 min" in said["sms"].body
    assert said["email"].subject == f"TL page {page.page_number}"
    assert states(page) == {"Ada sms": "accepted", "Ada email": "accepted"}


def test_what_was_accepted_is_not_sent_again(staffed, make_page, carrier, send_all, noon, after):
    make_page()

    send_all(noon)
    assert send_all(after(seconds=100)) == 0

    assert len(carrier.carried) == 2


def test_a_failure_for_now_is_tried_again_at_once_then_less_and_less_often(
    make_person, make_page, carrier, send_all, noon, after
):
    make_person("Ada", email=None)
    make_page()
    carrier.fails("sms", Outcome.FAILED_FOR_NOW)
    tried = [second for second in range(115) if send_all(noon + timedelta(seconds=second))]

    # The first second holds two attempts: "again after 0" is due at once.
    assert tried == [0, 1, 6, 21, 51, 111]
    assert deliver.again_after(1) == timedelta(0)


def test_a_carriers_wish_to_wait_is_honoured_within_reason():
    assert deliver.again_after(2, 20.0) == timedelta(seconds=20)
    assert deliver.again_after(2, 2.0) == timedelta(seconds=5)
    assert deliver.again_after(2, 86_400.0) == timedelta(minutes=5)


def test_a_failure_for_good_calls_the_next_person_at_once_and_flags_the_contact(
    staffed, ada, make_page, carrier, send_all, noon, told
):
    page = make_page()
    carrier.fails("sms", Outcome.FAILED_FOR_GOOD, address_is_bad=True)

    send_all(noon)
    engine.climb_due(noon)

    assert told(page, step=1) == [("Ben", "email"), ("Ben", "sms")]
    assert Contact.objects.get(user=ada, channel="sms").failing
    assert not Contact.objects.get(user=ada, channel="email").failing


def test_a_contact_that_works_again_is_no_longer_flagged(staffed, ada, make_page, send_all, noon):
    Contact.objects.update(failing=True)
    make_page()

    send_all(noon)

    assert not Contact.objects.filter(user=ada, failing=True).exists()


def test_when_everything_fails_for_good_the_ladder_is_climbed_once_quickly_and_then_pauses(
    staffed, make_page, carrier, send_all, noon, after
):
    page = make_page()
    for channel in ("sms", "email"):
        carrier.fails(channel, Outcome.FAILED_FOR_GOOD)
    for _ in range(20):
        send_all(noon)
        engine.climb_due(noon)

    page.refresh_from_db()
    assert len(carrier.carried) == 6
    assert (page.loop, page.step, page.next_at) == (1, 0, after(minutes=2))


def test_an_unknown_outcome_goes_out_by_the_persons_other_channel_at_once(
    make_person, make_ladder, on_call, make_page, carrier, send_all, noon
):
    on_call(make_person("Ada"))
    make_ladder((0, "first", ["email"]))
    page = make_page()
    carrier.fails("email", Outcome.UNKNOWN)

    send_all(noon)
    send_all(noon)

    assert states(page) == {"Ada email": "unknown", "Ada sms": "accepted"}


def test_an_unknown_outcome_without_another_channel_is_sent_again(
    make_person, make_page, carrier, send_all, noon, after
):
    make_person("Ada", sms=None)
    page = make_page()
    carrier.fails("email", Outcome.UNKNOWN)

    send_all(noon)
    assert send_all(after(seconds=4)) == 0
    assert send_all(after(seconds=5)) == 1

    references = {message.reference for _, message in carrier.carried}
    assert len(carrier.carried) == 2
    assert references == {Notification.objects.get(escalation=page).pk.hex}


def test_a_page_somebody_has_taken_is_not_sent(staffed, ada, make_page, carrier, send_all, noon):
    page = make_page()
    notes = [note.pk for note in page.notifications.all()]
    Escalation.objects.update(state=EscalationState.TAKEN, taken_by=ada)

    send_all(noon)

    assert carrier.carried == []
    assert set(Notification.objects.filter(pk__in=notes).values_list("state", flat=True)) == {"superseded"}


def test_the_taker_is_told_it_is_theirs(staffed, ada, make_page, carrier, send_all, noon):
    page = make_page()
    taking.take_case(page.case, by=ada, now=noon)

    send_all(noon)

    ((channel, message),) = carrier.carried
    assert channel == "sms"
    assert message.body.startswith(f"TL {page.page_number}: yours.")
    assert f"Reply {page.page_number} PASS" in message.body


def test_a_contact_switched_off_meanwhile_is_not_used(staffed, ada, make_page, carrier, send_all, noon):
    make_page()
    Contact.objects.filter(user=ada, channel="sms").update(active=False)

    send_all(noon)

    assert [channel for channel, _ in carrier.carried] == ["email"]


def test_an_address_that_cannot_be_opened_is_a_failure_for_good(staffed, make_page, carrier, send_all, noon):
    page = make_page()
    Contact.objects.update(sealed=b"\x01\x01junk")

    send_all(noon)

    assert carrier.carried == []
    assert set(states(page).values()) == {"failed_for_good"}


def test_a_sender_that_died_is_followed_by_another_after_the_lease(staffed, make_page, carrier, send_all, noon, after):
    page = make_page()
    for note in page.notifications.all():
        assert deliver.claim([note.pk], noon)

    assert send_all(after(seconds=9)) == 0
    assert send_all(after(seconds=11)) == 2

    assert set(states(page).values()) == {"accepted"}


def test_a_late_sender_cannot_overwrite_the_one_who_took_over(staffed, make_page, noon, after):
    note = make_page().notifications.first()
    (late,) = deliver.claim([note.pk], noon)
    (other,) = deliver.claim([note.pk], after(seconds=11))
    assert deliver.store([(other, Result(Outcome.ACCEPTED, "test", "ref"))], after(seconds=12)) == {note.pk}

    assert not deliver.store([(late, Result(Outcome.FAILED_FOR_GOOD, "test"))], after(seconds=13))

    assert Notification.objects.get(pk=late.note.pk).state == NotificationState.ACCEPTED


def test_a_receipt_that_came_before_the_answer_is_kept(staffed, make_page, noon):
    (note,) = deliver.claim([make_page().notifications.first().pk], noon)
    Notification.objects.filter(pk=note.note.pk).update(state=NotificationState.DELIVERED)

    deliver.store([(note, Result(Outcome.ACCEPTED, "test", "ref"))], noon)

    stored = Notification.objects.get(pk=note.note.pk)
    assert (stored.state, stored.provider_reference) == (NotificationState.DELIVERED, "ref")


def test_what_is_stored_after_the_opening_carries_the_hour_only(staffed, ada, make_page, noon):
    page = make_page()
    (note,) = deliver.claim([page.notifications.first().pk], noon)
    taking.mark_opened(page.case, by=ada, now=noon)

    deliver.store([(note, Result(Outcome.ACCEPTED, "test", "ref"))], noon)

    assert Notification.objects.get(pk=note.note.pk).accepted_at == noon.replace(minute=0, second=0, microsecond=0)


@pytest.mark.django_db(transaction=True)
def test_fifty_equal_tasks_send_once(make_person, make_page, carrier, noon):
    make_person("Ada", email=None)
    note = make_page().notifications.get()

    def work() -> None:
        try:
            for _ in range(10):
                deliver.deliver(note.pk, send=carrier, now=noon)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(carrier.carried) == 1


def test_no_transaction_is_open_while_something_is_sent(transactional_db, staffed, make_page, noon):
    note = make_page().notifications.first()
    inside = []

    def sending(_channel, _message):
        inside.append(connection.in_atomic_block)
        return Result(Outcome.ACCEPTED, "test", "ref")

    deliver.deliver(note.pk, send=sending, now=noon)

    assert inside == [False]


def test_both_channels_reach_real_servers(transactional_db, settings, staffed, make_page, noon):
    with OutboxServer() as box:
        settings.SMTP = {**settings.SMTP, "host": "127.0.0.1", "port": box.smtp_port}
        settings.SMS_GATEWAY_URL = f"{box.http_url}/sms"
        page = make_page()
        for note in page.notifications.all():
            deliver.deliver(note.pk, send=carriers.send, now=noon)

        kinds = {message.kind: message for message in box.messages()}
        assert set(states(page).values()) == {"accepted"}
        assert kinds["sms"].body.startswith(f"TL {page.page_number} NOW")
        assert kinds["mail"].to == "ada@example.org"
        assert len({note.provider for note in page.notifications.all()}) == 2


def test_a_hung_mail_server_costs_five_seconds_and_the_sms_goes_at_once(
    transactional_db, settings, make_person, make_ladder, on_call, make_page, noon, monkeypatch
):
    monkeypatch.setattr(carriers, "SEND_SECONDS", 0.5)
    on_call(make_person("Ada"))
    make_ladder((0, "first", ["email"]))
    with OutboxServer() as box:
        settings.SMTP = {**settings.SMTP, "host": "127.0.0.1", "port": box.smtp_port}
        settings.SMS_GATEWAY_URL = f"{box.http_url}/sms"
        box.control(smtp={"mode": "hang", "seconds": 5})
        page = make_page()

        (mail,) = page.notifications.all()
        result = deliver.deliver(mail.pk, send=carriers.send, now=noon)
        (sms,) = page.notifications.filter(channel="sms")
        deliver.deliver(sms.pk, send=carriers.send, now=noon)

        assert result.outcome is Outcome.UNKNOWN
        assert states(page) == {"Ada email": "unknown", "Ada sms": "accepted"}


def test_a_channel_without_a_carrier_fails_for_good(settings):
    settings.SMS_PROVIDERS = []

    result = carriers.send("sms", None)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_GOOD, "no_carrier")


def test_a_page_that_breaks_the_sender_hurts_no_other(staffed, make_page, carrier, noon, after, caplog):
    broken, *others = [note for _ in range(2) for note in make_page().notifications.all()]

    def sending(channel, message):
        if message.reference == broken.pk.hex:
            raise RuntimeError("quoting an address: ada@example.org")
        return carrier(channel, message)

    assert len(deliver.deliver_together([broken.pk, *(note.pk for note in others)], send=sending, now=noon)) == 3
    assert deliver.waiting(limit=9, now=after(seconds=11)) == [(broken.pk, broken.channel)]
    assert "ada@example.org" not in caplog.text


def test_of_outcomes_stored_together_a_late_one_is_left_out(staffed, make_page, noon, after):
    notes = [note.pk for note in make_page().notifications.all()]
    claimed = deliver.claim(notes, noon)
    (again,) = deliver.claim(notes[:1], after(seconds=11))

    stored = deliver.store([(one, Result(Outcome.ACCEPTED, "test", "ref")) for one in claimed], after(seconds=12))

    assert stored == set(notes[1:])
    assert Notification.objects.get(pk=notes[0]).lease_owner == again.note.lease_owner
