"""Several rows in one message stay several rows: each is claimed, and fails, by itself."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from tipline.kernel.clock import database_now
from triage import actions, epochs, tasks
from triage.escalation import escalators, wake
from triage.escalation.handover import Publisher
from triage.escalation.sending import Sending
from triage.models import Notification

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def live_host(db, settings) -> None:
    """This host's key is good by the database's clock; there is no broker."""
    settings.BROKER_URL = ""
    epochs.rotate(database_now())


class Messages(list):
    """A publisher that keeps what it is offered."""

    def offer(self, task: str, rows: Sequence[UUID]) -> bool:
        self.append((task, list(rows)))
        return True


@pytest.mark.usefixtures("staffed", "live_host")
def test_what_is_due_together_is_handed_over_in_one_message(make_tip, carrier):
    for turn in range(3):
        actions.assess_due(make_tip(f"He said he will bring gun number {turn} to school tomorrow and shoot").due.pk)
    messages = Messages()
    tick = escalators.PageTick(messages, send=carrier)

    tick()
    tick.close()

    assert [task for task, _ in messages] == ["triage.tasks.deliver"]
    assert set(messages[0][1]) == set(Notification.objects.values_list("pk", flat=True))
    assert len(messages[0][1]) == 6


@pytest.mark.usefixtures("staffed", "live_host")
def test_a_task_hands_the_pages_straight_on(make_tip, monkeypatch):
    dues = [str(make_tip(f"He said he will bring gun number {turn} to school and shoot").due.pk) for turn in range(2)]
    messages = Messages()
    monkeypatch.setattr(tasks, "_publisher", lambda: messages)
    monkeypatch.setattr(wake, "wake", lambda channel: pytest.fail("nobody else needs to know"))

    tasks.assess(*dues)

    assert [task for task, _ in messages] == ["triage.tasks.deliver"]
    assert set(messages[0][1]) == set(Notification.objects.values_list("pk", flat=True))


@pytest.mark.usefixtures("staffed", "live_host")
def test_where_no_broker_takes_the_pages_their_escalator_is_woken(make_tip, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks, "_publisher", Publisher)
    monkeypatch.setattr(wake, "wake", woken.append)

    tasks.assess(str(make_tip().due.pk))

    assert woken == [wake.PAGE]


@pytest.mark.usefixtures("staffed", "live_host")
def test_a_task_run_twice_sends_each_page_once(make_tip, carrier, monkeypatch):
    sending = Sending(carrier)
    monkeypatch.setattr(tasks, "_sending", lambda: sending)
    actions.assess_due(make_tip("She says she will kill herself tonight, she has the pills").due.pk)
    rows = [str(row) for row in Notification.objects.values_list("pk", flat=True)]

    tasks.deliver(*rows)
    tasks.deliver(*rows, str(uuid4()))
    sending.close()

    assert len(carrier.carried) == len(rows) == 2
