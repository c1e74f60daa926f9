"""What every room's tests stand on: a program with pinned keys, and tips sent the way people send them."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from intake import actions, keys
from intake.channels import whose
from intake.message import Identity, Message
from intake.models import EpochKey, Program, ProgramKey, Purpose, Receipt, Tip
from tipline.kernel import wraps

# No test is judged by how fast this machine happens to be.
hypothesis_settings.register_profile("tipline", deadline=None)
hypothesis_settings.load_profile("tipline")

HOUSES = ("tests/story/", "tests/faults/", "tests/anonymity/", "tests/used/")
Seeds = dict[Purpose, bytes]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Keep what shares a running house in one worker (--dist loadgroup).

    xdist 3.8 writes its groups into the ids of tests, and pytest 9.2 no longer takes them from there.
    """
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((house for house in HOUSES if nodeid.startswith(house)), nodeid)

    return Together(config, log)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The tables, and what each door may do with them: requests of tests have no more rights than real ones."""
    with django_db_blocker.unblock():
        call_command("grant_roles")


@pytest.fixture(autouse=True)
def nothing_remembered(settings, tmp_path: Path) -> Iterator[None]:
    """Each test has its own pins and short-lived secrets, and no process-wide memory of another's."""
    settings.KEY_PINS = tmp_path / "pins.txt"
    settings.RUN_DIR = tmp_path / "run"
    keys.forget()
    whose.forget()
    yield
    keys.forget()
    whose.forget()


@pytest.fixture
def noon() -> datetime:
    return datetime(2026, 3, 4, 12, 7, 31, tzinfo=UTC)


@pytest.fixture
def program(db) -> Program:
    return Program.objects.create(slug="riverside", name="Riverside Tip Line", changed_on=date(2026, 1, 5))


@pytest.fixture
def seeds(program: Program, settings) -> Seeds:
    """The private seeds of the program's keys, whose public halves are stored and pinned."""
    return _with_pinned_keys(program, settings.KEY_PINS)


@pytest.fixture
def lakeside(seeds: Seeds, settings) -> Program:
    """A second program of the same installation, with keys of its own."""
    other = Program.objects.create(slug="lakeside", name="Lakeside", position=1, changed_on=date(2026, 1, 5))
    _with_pinned_keys(other, settings.KEY_PINS)
    return other


def _with_pinned_keys(program: Program, pins: Path) -> Seeds:
    made: Seeds = {}
    with pins.open("a") as file:
        for purpose in Purpose:
            made[purpose] = wraps.new_seed()
            public = wraps.public_key(made[purpose])
            ProgramKey.objects.create(program=program, purpose=purpose, public_key=public)
            file.write(f"{program.pk} {purpose.value} {wraps.fingerprint(public)}\n")
    return made


@pytest.fixture
def epoch_seed(program: Program) -> bytes:
    """The private seed of a live worker host's epoch key."""
    seed = wraps.new_seed()
    key = EpochKey(host="here", public_key=wraps.public_key(seed), usable_until=datetime(2100, 1, 1, tzinfo=UTC))
    key.tag = keys.epoch_tag(key)
    key.save(force_insert=True)
    return seed


@pytest.fixture
def send(program: Program, seeds: Seeds, noon: datetime) -> Callable[..., actions.Submitted]:
    """Send a tip as the form does: send("text", danger="yes", name="…")."""

    def _send(text: str = "They sell pills behind the rink", *, name: str = "", reach: str = "", **answers):
        return actions.submit(
            program,
            Message(text=text, **answers),
            Identity(name, reach),
            channel="web",
            key=secrets.token_urlsafe(16),
            now=noon,
        )

    return _send


@pytest.fixture
def tip_of(settings) -> Callable[[actions.Submitted], Tip]:
    """The tip behind a receipt."""

    def _tip_of(done: actions.Submitted) -> Tip:
        assert done.phrase is not None
        return Receipt.objects.get(lookup=done.phrase.lookup(pepper=settings.RECEIPT_PEPPER.encode())).tip

    return _tip_of


@pytest.fixture
def street(settings) -> Client:
    """A browser at the public door."""
    settings.ROOT_URLCONF = "tipline.urls_public"
    settings.MIDDLEWARE = ["tests.doors.as_public", *settings.PUBLIC_MIDDLEWARE]
    return Client(enforce_csrf_checks=True, raise_request_exception=False)
