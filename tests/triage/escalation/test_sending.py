"""Pages are sent side by side: who waits for a carrier keeps nobody else waiting."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError

from tests.triage.escalation.test_loops import wait_for
from triage.escalation import deliver, sending
from triage.escalation.carriers import Send
from triage.escalation.sending import Sending
from triage.models import Notification

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def open_sending() -> Iterator[Callable[[Send], Sending]]:
    """Make a Sending that is closed when the test is over."""
    made = []

    def make(send: Send) -> Sending:
        made.append(Sending(send))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def due_notes(staffed, make_page) -> list[Notification]:
    """Return the four notifications of two pages, all due by the database's clock."""
    notes = [note for _ in range(2) for note in make_page().notifications.all()]
    Notification.objects.update(due_at="2020-01-01T00:00Z")
    return notes


def accepted() -> set:
    return set(Notification.objects.filter(state="accepted").values_list("pk", flat=True))


def test_a_hung_page_keeps_no_other_from_being_sent_and_stored(due_notes, carrier, open_sending):
    hung, *others = due_notes
    go_on = threading.Event()

    def send(channel, message):
        if message.reference == hung.pk.hex:
            go_on.wait(60)
        return carrier(channel, message)

    assert open_sending(send).take([note.pk for note in due_notes]) == 4

    wait_for(lambda: accepted() == {note.pk for note in others}, 60)
    go_on.set()
    wait_for(lambda: len(accepted()) == 4, 60)


def test_a_hung_channel_keeps_no_other_channel_waiting(due_notes, carrier, open_sending, monkeypatch):
    monkeypatch.setattr(sending, "HANDS", 1)
    go_on = threading.Event()

    def send(channel, message):
        if channel == "email":
            go_on.wait(60)
        return carrier(channel, message)

    one = open_sending(send)
    one.take([note.pk for note in due_notes])

    wait_for(lambda: len(accepted()) == 2, 60)
    assert one.room() == {"email": 0, "sms": 1, "voice": 1}
    go_on.set()


def test_what_waited_too_long_for_a_hand_is_left_to_others(due_notes, carrier, open_sending, monkeypatch):
    monkeypatch.setattr(sending, "BEGIN_WITHIN", -1.0)
    one = open_sending(carrier)

    one.take([note.pk for note in due_notes])
    one.close()

    assert carrier.carried == []
    assert set(Notification.objects.values_list("state", flat=True)) == {"sending"}


def test_outcomes_wait_for_a_database_that_is_away(due_notes, carrier, open_sending, monkeypatch):
    store, away = deliver.store, [True, True]

    def storing(sent):
        if away:
            away.pop()
            raise OperationalError
        return store(sent)

    monkeypatch.setattr(deliver, "store", storing)

    open_sending(carrier).take([note.pk for note in due_notes])

    wait_for(lambda: len(accepted()) == 4, 60)
    assert len(carrier.carried) == 4


def test_one_outcome_that_cannot_be_stored_does_not_lose_the_others(due_notes, carrier, open_sending, monkeypatch):
    store = deliver.store

    def storing(sent):
        if any(claimed.note.pk == due_notes[0].pk for claimed, _ in sent):
            raise ValueError("cannot be stored")
        return store(sent)

    monkeypatch.setattr(deliver, "store", storing)

    open_sending(carrier).take([note.pk for note in due_notes])

    wait_for(lambda: accepted() == {note.pk for note in due_notes[1:]}, 60)
