"""Storm mode: many pages of one event are told together, and what is news still pages by itself."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from intake.models import Due
from triage import actions
from triage.escalation import deliver, digests, engine, taking, texts
from triage.models import Contact, Escalation, Notification

pytestmark = pytest.mark.django_db

THREAT = (
    "Marcus from grade eleven posted that he will bring his gun to the school tomorrow and shoot everybody "
    "in the science hallway. He showed the picture to his friends on the bus."
)


@pytest.fixture
def arrive(staffed, worker_host, make_tip):
    """Tips come in and are assessed at a moment; returns their pages."""

    def _arrive(now, *texts_of_tips, **answers):
        tips = [make_tip(text, **answers) for text in texts_of_tips]
        for start in range(0, len(tips), 8):
            actions.assess_together([Due.objects.get(tip=tip).pk for tip in tips[start : start + 8]], now=now)
        return [Escalation.objects.get(tip=tip) for tip in tips]

    return _arrive


@pytest.fixture
def tick(carrier):
    """What the page escalator does at a moment."""

    def _tick(now):
        while engine.climb_due(now):
            pass
        for pk, _ in deliver.waiting(limit=500, now=now):
            deliver.deliver(pk, send=carrier, now=now)

    return _tick


def bodies(carrier, channel="sms"):
    return [message.body for way, message in carrier.carried if way == channel]


def test_the_first_pages_at_once_and_the_next_are_counted_a_minute_later(arrive, tick, carrier, after):
    arrive(after(seconds=0), THREAT)
    tick(after(seconds=0))
    arrive(after(seconds=5), THREAT, THREAT)
    tick(after(seconds=6))
    assert len(bodies(carrier)) == 1

    tick(after(seconds=59))
    assert len(bodies(carrier)) == 1
    tick(after(seconds=60))

    assert bodies(carrier)[1].startswith("TL:   3 pages open,  1 separate events, longest wait  1 min.")
    assert Escalation.objects.running().count() == 3
    assert not Escalation.objects.running().filter(next_at=None).exists()


def test_a_new_hallway_and_time_pages_by_itself_at_once(arrive, tick, carrier, after):
    arrive(after(seconds=0), *[THREAT] * 9)
    (other,) = arrive(after(seconds=7), THREAT.replace("science", "music") + " At 9:40.")
    tick(after(seconds=7))

    assert any(f"TL {other.page_number} NOW" in body for body in bodies(carrier))


def test_exam_week_stays_readable_and_loses_nothing(arrive, tick, carrier, after):
    guises = (THREAT, THREAT.upper(), "pls " + THREAT, THREAT + " !!!", THREAT.replace("everybody", "evrybody"))
    pages = []
    for minute in range(10):
        pages += arrive(after(minutes=minute), *[guises[n % len(guises)] for n in range(30)])
        if minute == 5:
            (other,) = arrive(after(minutes=minute), THREAT.replace("science", "music") + " At 9:40.")
        for second in (0, 20, 40):
            tick(after(minutes=minute, seconds=second))

    assert len(pages) == 300
    assert Escalation.objects.running().count() == 301
    notes = Notification.objects.filter(channel="sms", accepted_at__isnull=False)
    single = notes.filter(escalation=other, kind="page").order_by("accepted_at").first()
    assert single.accepted_at - other.opened_at < timedelta(seconds=60)
    digests = Counter(notes.filter(kind="digest").values_list("user__name", flat=True))
    assert all(count <= 10 for count in digests.values())
    paged = Counter(notes.filter(kind="page").values_list("user__name", flat=True))
    # "pls" is a word nobody of the event had: once.
    assert paged["Ada"] <= 3 * 5


def test_taking_the_first_takes_no_other_and_they_climb_on(arrive, tick, carrier, after, ada):
    first, second = arrive(after(seconds=0), THREAT, THREAT)
    tick(after(seconds=0))
    taking.take(first.pk, by=ada, now=after(seconds=10))
    tick(after(seconds=60))
    tick(after(seconds=180))

    second.refresh_from_db()
    assert second.state == "open"
    assert any("1 pages open" in body for body in bodies(carrier))
    assert Notification.objects.filter(kind="digest", user__name="Ben", accepted_at__isnull=False).exists()


def test_a_digest_whose_pages_are_all_opened_is_not_sent(arrive, tick, carrier, after, ada):
    pages = arrive(after(seconds=0), THREAT, THREAT)
    tick(after(seconds=0))
    for page in pages:
        taking.mark_opened(page.case, by=ada, now=after(seconds=20))
    tick(after(seconds=60))

    assert len(bodies(carrier)) == 1
    assert set(Notification.objects.filter(kind="digest").values_list("state", flat=True)) == {"superseded"}
    assert not Escalation.objects.exclude(incident=None).exists()


def test_opening_the_page_a_digest_hangs_on_keeps_the_digest_of_the_others(arrive, tick, carrier, after, ada):
    pages = arrive(after(seconds=0), *[THREAT] * 3)
    tick(after(seconds=0))
    hung = Notification.objects.filter(kind="digest").first().escalation_id
    for page in pages:
        if page.pk == hung:
            taking.mark_opened(page.case, by=ada, now=after(seconds=20))
    tick(after(seconds=60))

    assert any("2 pages open" in body for body in bodies(carrier))


def test_who_can_only_be_called_is_called_of_each(make_page, ada, after):
    page = make_page()
    ringing = Contact(pk=uuid4(), user_id=ada.pk, channel="voice")

    assert digests.tell(page, [ringing], 0, 0, after(seconds=0)) == [ringing]
    assert not Notification.objects.filter(kind="digest").exists()


def test_people_who_read_tips_about_our_own_are_not_counted_in(arrive, tick, carrier, after, make_person):
    make_person("Chair", role="oversight")
    arrive(after(seconds=0), THREAT, THREAT)
    arrive(after(seconds=0), THREAT, insider=True)
    tick(after(seconds=0))
    tick(after(seconds=60))

    assert any("2 pages open" in body for body in bodies(carrier))
    assert not Notification.objects.filter(kind="digest", user__name="Chair").exists()


def test_a_digest_fits_an_sms_and_has_one_length():
    storms = [
        texts.Storm(pages, events, wait) for pages, events, wait in ((2, 1, 0), (300, 12, 600), (5000, 5000, 1e6))
    ]

    assert len({len(texts.sms_digest(storm)) for storm in storms}) == 1
    assert len({len(texts.mail_digest(storm)[1]) for storm in storms}) == 1
    assert len(texts.sms_digest(storms[0])) < texts.SMS_LIMIT
    assert texts.sms_digest(storms[0]).isascii()
