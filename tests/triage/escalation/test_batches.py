"""Several rows in one message stay several rows: each is claimed, and fails, by itself."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from tipline.kernel.clock import database_now
from triage import actions, epochs, tasks
from triage.escalation import carriers, escalators, wake
from triage.models import Notification

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def live_host(db, settings) -> None:
    """This host's key is good by the database's clock."""
    epochs.rotate(database_now())


class Messages(list):
    """A publisher that keeps what it is offered."""

    def offer(self, task: str, rows: Sequence[UUID]) -> bool:
        self.append((task, list(rows)))
        return True


@pytest.mark.usefixtures("staffed", "live_host")
def test_a_message_holds_pages_of_one_channel_only(make_tip, carrier):
    for turn in range(3):
        actions.assess_due(make_tip(f"He said he will bring gun number {turn} to school tomorrow and shoot").due.pk)
    messages = Messages()
    tick = escalators.PageTick(messages, send=carrier)

    tick()
    tick.close()

    channel_of = dict(Notification.objects.values_list("pk", "channel"))
    assert sorted(len(rows) for _, rows in messages) == [3, 3]
    assert all(len({channel_of[row] for row in rows}) == 1 for _, rows in messages)


@pytest.mark.usefixtures("staffed", "live_host")
def test_a_task_assesses_the_rows_after_one_that_fails(make_tip, monkeypatch):
    first, second = (make_tip("She says she will kill herself tonight, she has the pills") for _ in range(2))
    whole = actions.assess_due

    def assess_due(due_id: UUID) -> actions.Assessed | None:
        if due_id == first.due.pk:
            raise RuntimeError("no luck with this one")
        return whole(due_id)

    monkeypatch.setattr(actions, "assess_due", assess_due)
    monkeypatch.setattr(wake, "wake", lambda channel: None)

    tasks.assess(str(first.due.pk), str(second.due.pk))

    assert set(Notification.objects.values_list("escalation__tip", flat=True)) == {second.pk}


@pytest.mark.usefixtures("staffed", "live_host")
def test_a_task_run_twice_sends_each_page_once(make_tip, carrier, monkeypatch):
    monkeypatch.setattr(carriers, "send", carrier)
    actions.assess_due(make_tip("She says she will kill herself tonight, she has the pills").due.pk)
    rows = [str(row) for row in Notification.objects.values_list("pk", flat=True)]

    tasks.deliver(*rows)
    tasks.deliver(*rows, str(uuid4()))

    assert len(carrier.carried) == len(rows) == 2
