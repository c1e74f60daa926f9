"""A staffed program: people with phones, a ladder, a worker host, and tips in front of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from intake import actions as intake_actions
from intake import sealed
from intake.message import Message
from intake.models import Due, Program, Tip, Wrap
from tipline.kernel import sealing
from triage import actions, epochs
from triage import assess as reading
from triage.escalation import beginning, carriers, contacts, events
from triage.escalation.beginning import NewPage
from triage.escalation.senders import Outcome, Outgoing, Result
from triage.models import (
    Case,
    Channel,
    Escalation,
    Ladder,
    LadderStep,
    LadderWho,
    Membership,
    Notification,
    OnCall,
    Role,
    Urgency,
    User,
)

BOTH = (Channel.SMS, Channel.EMAIL)
THREAT = "He said he will bring his uncle's gun to school tomorrow"


@pytest.fixture(autouse=True)
def pager_keys(settings, tmp_path: Path) -> Iterator[None]:
    """The pager door seals to the key of this test's pagers; senders are made anew."""
    settings.PAGER_EVENT_PUBLIC = tmp_path / "pager_event_public.txt"
    settings.PAGER_EVENT_PUBLIC.write_text(events.public_key_hex())
    carriers.carriers.cache_clear()
    yield
    carriers.carriers.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _rules_are_loaded() -> None:
    """As in a worker: what loads the rules and the model must not count as one tip's time."""
    reading.warm_up()


@pytest.fixture
def make_person(program: Program) -> Callable[..., User]:
    """A member with a phone and a mailbox: make_person("Ada", sms=None) has no phone."""
    numbers = iter(range(100, 1000))

    def _make(
        name: str,
        *,
        role: str = Role.COORDINATOR,
        sms: str | None = "",
        email: str | None = "",
        voice: str | None = None,
    ) -> User:
        user = User.objects.create_user(username=name.lower(), name=name)
        Membership.objects.create(program=program, user=user, role=role)
        if sms is not None:
            contacts.add_contact(user, program, Channel.SMS, sms or f"+1416555{next(numbers):04}")
        if email is not None:
            contacts.add_contact(user, program, Channel.EMAIL, email or f"{name.lower()}@example.org")
        if voice is not None:
            contacts.add_contact(user, program, Channel.VOICE, voice)
        return user

    return _make


@pytest.fixture
def make_ladder(program: Program) -> Callable[..., Ladder]:
    """make_ladder((0, "first", ["sms"]), (120, "next", ["sms"]))"""

    def _make(
        *steps: tuple[int, str, Any],
        urgency: str = Urgency.URGENT,
        oversight: bool = False,
        loop_after: int = 120,
        self_harm: Sequence[tuple[int, str, Any]] = (),
    ) -> Ladder:
        ladder = Ladder.objects.create(program=program, urgency=urgency, oversight=oversight, loop_after=loop_after)
        for position, (after, who, channels) in enumerate([*steps, *self_harm]):
            LadderStep.objects.create(
                program=program,
                ladder=ladder,
                position=position,
                after_seconds=after,
                who=who,
                channels=[str(channel) for channel in channels],
                self_harm=position >= len(steps),
            )
        return ladder

    return _make


@pytest.fixture
def on_call(program: Program) -> Callable[..., None]:
    """Put people on call, first to last."""

    def _on_call(*people: User) -> None:
        OnCall.objects.filter(program=program).delete()
        for position, user in enumerate(people):
            OnCall.objects.create(program=program, user=user, position=position)

    return _on_call


@pytest.fixture
def ada(make_person) -> User:
    return make_person("Ada")


@pytest.fixture
def ben(make_person) -> User:
    return make_person("Ben")


@pytest.fixture
def chief(make_person) -> User:
    return make_person("Chief", role=Role.SUPERVISOR)


@pytest.fixture
def staffed(ada, ben, chief, make_ladder, on_call) -> None:
    """Ada is first on call, Ben next; the chief is told after six minutes."""
    on_call(ada, ben)
    for urgency in (Urgency.URGENT, Urgency.IMMINENT):
        make_ladder(
            (0, LadderWho.FIRST, BOTH), (120, LadderWho.NEXT, BOTH), (360, LadderWho.SUPERVISORS, BOTH), urgency=urgency
        )


@pytest.fixture
def worker_host(db, noon) -> None:
    """This host has its key of the hour."""
    epochs.rotate(noon)


@pytest.fixture
def make_tip(send, tip_of) -> Callable[..., Tip]:
    """A tip as the form stores it: make_tip("text", danger="yes")."""

    def _make(text: str = THREAT, **answers: Any) -> Tip:
        return tip_of(send(text, **answers))

    return _make


@pytest.fixture
def follow_up(program, noon) -> Callable[..., Tip]:
    """Add to a conversation by its phrase; returns the follow-up's tip."""

    def _follow_up(done: intake_actions.Submitted, text: str, **answers: Any) -> Tip:
        assert done.phrase is not None
        before = set(Tip.objects.values_list("pk", flat=True))
        key = f"a-key-of-22-characters-{len(before)}"
        intake_actions.follow_up(program, done.phrase, Message(text, **answers), channel="web", key=key, now=noon)
        return Tip.objects.exclude(pk__in=before).get()

    return _follow_up


@pytest.fixture
def assess(noon) -> Callable[..., actions.Assessed | None]:
    """Assess a tip as a worker of this host does."""

    def _assess(tip: Tip, now: datetime = noon) -> actions.Assessed | None:
        return actions.assess_due(Due.objects.get(tip=tip).pk, now=now)

    return _assess


@pytest.fixture
def opened(seeds) -> Callable[[Tip], dict[str, Any]]:
    """What the assessment of a tip says to who holds the program's key."""

    def _opened(tip: Tip) -> dict[str, Any]:
        for wrap in Wrap.objects.filter(tip=tip, purpose__in=sealed.CONTENT_PURPOSES):
            key = sealed.data_key(tip, [wrap], key_id=wrap.key_id, seed=seeds[wrap.purpose])
            assert key is not None
            blob = sealing.unseal(bytes(tip.assessment.sealed), key=key, place=sealed.place(tip, sealed.ASSESSMENT))
            return dict(json.loads(blob))
        raise AssertionError("no wrap")

    return _opened


@pytest.fixture
def make_case(program, noon) -> Callable[..., Case]:
    """A case with its tip, without the work of sealing."""

    def _make(urgency: str = Urgency.URGENT, *, oversight: bool = False, **fields: Any) -> Case:
        tip = Tip.objects.create(program=program, week=noon.date(), sealed=b"-")
        return Case.objects.create(program=program, tip=tip, urgency=urgency, oversight=oversight, **fields)

    return _make


def begin(case: Case, tip: Tip, urgency: str, now: datetime) -> Escalation:
    """Begin one page for a tip of a case."""
    page = NewPage(case.program_id, case.pk, tip.pk, urgency, oversight=case.oversight)
    beginning.begin([page], now=now)
    return Escalation.objects.get(tip=tip)


@pytest.fixture
def make_page(make_case, noon) -> Callable[..., Escalation]:
    """A page just begun for a case of its own."""

    def _make(urgency: str = Urgency.URGENT, *, now: datetime = noon, oversight: bool = False) -> Escalation:
        case = make_case(urgency, oversight=oversight)
        return begin(case, case.tip, urgency, now)

    return _make


@pytest.fixture
def told() -> Callable[..., list[tuple[str, str]]]:
    """Who was told by which means: the notifications of a page as (name, channel), in order."""

    def _told(page: Escalation, **only: Any) -> list[tuple[str, str]]:
        notes = Notification.objects.filter(escalation=page, kind="page", **only).select_related("user")
        return sorted((note.user.name, str(note.channel)) for note in notes)

    return _told


class Carrier:
    """A carrier that does as told and remembers what it carried."""

    def __init__(self) -> None:
        self.carried: list[tuple[str, Outgoing]] = []
        self.answers: dict[str, Result] = {}

    def __call__(self, channel: str, message: Outgoing) -> Result:
        self.carried.append((channel, message))
        return self.answers.get(channel, Result(Outcome.ACCEPTED, "test", f"ref-{len(self.carried)}"))

    def fails(self, channel: str, outcome: Outcome, **more: Any) -> None:
        self.answers[channel] = Result(outcome, "test", **more)


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def after(noon) -> Callable[..., datetime]:
    """after(minutes=5): that long after noon."""

    def _after(**since: float) -> datetime:
        return noon + timedelta(**since)

    return _after
