"""Sealing everything again in a new way, while it stays readable throughout."""

import pytest

from intake import actions
from intake.models import ProgramKey, Purpose, Reply, Tip
from tests.blobs import reader
from tipline.kernel import sealing
from tipline.kernel.clock import database_now
from triage import actions as triage_actions
from triage import epochs
from triage.console import opening
from triage.custody import handing, work
from triage.models import Assessment, JobKind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def everything(send, tip_of, epoch_seed, monkeypatch) -> list[Tip]:
    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    tips = [tip_of(send(f"They sell pills behind rink {number}", name="A name")) for number in range(3)]
    for tip in tips:
        triage_actions.assess_due(tip.due.pk)
        actions.reply(tip, "Thank you")
    return tips


def suites() -> set[int]:
    blobs = [
        *Tip.objects.values_list("sealed", flat=True),
        *Tip.objects.values_list("sealed_identity", flat=True),
        *Assessment.objects.values_list("sealed", flat=True),
        *Reply.objects.values_list("sealed", flat=True),
    ]
    assert len(blobs) == 12
    return {sealing.suite_of(bytes(blob)) for blob in blobs}


def test_everything_is_sealed_in_the_new_way_and_says_the_same(everything, keeper, adas, work_on, monkeypatch):
    monkeypatch.setattr(sealing, "CURRENT", sealing.SUITE_CHACHA20_POLY1305)
    wanted = ProgramKey.objects.filter(purpose__in=[Purpose.CONTENT, Purpose.IDENTITY])
    assert all(work.outdated(key) for key in wanted)
    for key in wanted:
        handing.start(JobKind.RESEAL, key)
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()
    work_on(keeper)

    assert suites() == {sealing.SUITE_CHACHA20_POLY1305}
    assert not any(work.outdated(key) for key in wanted)
    unlocked = adas()
    for tip in Tip.objects.all():
        key = opening.data_keys([tip], unlocked)[tip.pk]
        plain = sealing.unseal(bytes(tip.sealed), key=key, place=sealing.Place(tip.program_id, tip.pk, "content"))
        assert b"They sell pills" in plain
        assert reader.field(bytes(tip.sealed), key, str(tip.program_id), str(tip.pk), "content") == plain


def test_what_is_sealed_in_todays_way_is_not_touched(everything, keeper, adas, work_on):
    before = set(Tip.objects.values_list("sealed", flat=True))
    key = ProgramKey.objects.get(purpose=Purpose.CONTENT)
    assert not work.outdated(key)
    handing.start(JobKind.RESEAL, key)
    keeper.tick()
    handing.feed(adas(), now=database_now())
    keeper._take()
    work_on(keeper)

    assert set(Tip.objects.values_list("sealed", flat=True)) == before
