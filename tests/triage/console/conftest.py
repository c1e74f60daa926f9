"""People with keys of their own, browsers they signed in with, and tips that were assessed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from intake.models import Program, ProgramKey, Purpose
from triage import actions
from triage.classify import Urgency
from triage.models import Case, Membership, User
from triage.vault import guessing, keys, second

WORDS = "He said he will bring his uncle's gun to school tomorrow"
QUIET = "They sell pills behind the rink"


@dataclass
class Person:
    """Somebody who signed in for the first time: what is on their paper, and in their app."""

    user: User
    phrase: str
    secret: str
    recovery: list[str]

    def code(self, ahead: int = 0) -> str:
        return format_hotp_value(hotp_value(self.secret, int(time.time()) // second.PERIOD + ahead))


def totp(secret: str, ahead: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // second.PERIOD + ahead))


@pytest.fixture(autouse=True)
def fresh_limits():
    """No test is slowed by another's wrong tries."""
    guessing.misses.forget()
    yield
    guessing.misses.forget()


@pytest.fixture(autouse=True)
def from_the_console(settings):
    """Pages of this door, whatever the test before looked at."""
    settings.ROOT_URLCONF = "tipline.urls_console"
    settings.MIDDLEWARE = ["tests.doors.as_console", *settings.CONSOLE_MIDDLEWARE]


@pytest.fixture
def make_person(program, seeds) -> Callable[..., Person]:
    """Invite somebody, let them accept, and pair their app."""

    def make(name: str, role: str = "coordinator", program: Program = program, seeds=seeds) -> Person:
        user = User.objects.create_user(name.lower(), name=name)
        Membership.objects.create(program=program, user=user, role=role)
        wanted = keys.purposes_for(user, program)
        held = {
            ProgramKey.objects.get(program=program, purpose=purpose): seed
            for purpose, seed in seeds.items()
            if purpose in wanted
        }
        code = keys.invite(user, program, held)
        _, phrase = keys.accept(user.invitation, code)
        secret = second.new_secret()
        recovery = second.enrol(user, secret, 0)
        return Person(user, phrase, secret, recovery)

    return make


@pytest.fixture
def ada(make_person) -> Person:
    return make_person("Ada")


@pytest.fixture
def bob(make_person) -> Person:
    return make_person("Bob")


@pytest.fixture
def chair(make_person) -> Person:
    """Who reads what is about the program's own people."""
    return make_person("Chair", role="oversight")


@pytest.fixture
def other_program(noon) -> tuple[Program, dict[Purpose, bytes]]:
    other = Program.objects.create(slug="lakeside", name="Lakeside", changed_on=noon.date())
    return other, keys.create_program_keys(other)


@pytest.fixture
def stranger(make_person, other_program) -> Person:
    """A coordinator of another program."""
    other, their_seeds = other_program
    return make_person("Eve", program=other, seeds=their_seeds)


@pytest.fixture
def visitor() -> Client:
    """A visitor that is not signed in, over TLS as in life."""
    return Client(enforce_csrf_checks=False, headers={"host": "localhost"})


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    """Sign somebody in through the pages, with both factors."""

    def sign(person: Person, ahead: int = 0) -> Client:
        client = Client(headers={"host": "localhost"})
        answer = client.post("/sign-in/", {"username": person.user.username, "pass_phrase": person.phrase}, secure=True)
        assert answer.status_code == 302, answer.content.decode()
        answer = client.post("/sign-in/code/", {"code": person.code(ahead)}, secure=True)
        assert answer.status_code == 302, answer.content.decode()
        client.defaults["wsgi.url_scheme"] = "https"
        return client

    return sign


@pytest.fixture
def adas(sign_in, ada) -> Client:
    """Ada's visitor, signed in and unlocked."""
    return sign_in(ada)


@pytest.fixture
def case_of(send, tip_of, epoch_seed, monkeypatch) -> Callable[..., Case]:
    """Send a tip and let a worker assess it: case_of("text", danger="yes")."""
    from triage import epochs

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)

    def make(text: str = QUIET, **answers) -> Case:
        tip = tip_of(send(text, **answers))
        actions.assess_due(tip.due.pk)
        return Case.objects.get(tip=tip)

    return make


@pytest.fixture
def urgent(case_of) -> Case:
    case = case_of(WORDS)
    assert case.urgency in (Urgency.IMMINENT, Urgency.URGENT)
    return case
