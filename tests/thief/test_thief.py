"""A thief has a dump of the database and one thing more. Every key in that is tried on every seal: none opens.

Keys of the hour are in memory (tmpfs), not on a disk: who has them besides the dump took the machine
while it ran, and reads what was not assessed yet. docs/threat-model.md says the rest.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.test import Client

from intake import sealed
from intake.models import ProgramKey, Purpose, Tip, Wrap
from tests.blobs import making
from tests.thief import blobs
from tests.triage.console.conftest import sign_in  # noqa: F401  fixture
from tipline.kernel import sealing, wraps
from tipline.runner.processes import SECRETS
from triage import epochs
from triage.console import saved
from triage.custody import handing
from triage.custody.keeper import Keeper
from triage.escalation.handover import Publisher
from triage.models import Case, IdentityRequest, Note, SavedViews, User
from triage.vault import kept, keys, second
from triage.vault.stretching import Cost, stretch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lived_in(program, seeds, epoch_seed, noon, send, settings, monkeypatch) -> dict[str, bytes]:
    """A program with everything in it: tips, answers, people, a session that is unlocked, a hand-over not yet taken.

    Returns the keys for the controls.
    """
    with monkeypatch.context() as patched:
        patched.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
        making.everything(program, seeds, epoch_seed, noon)
    send("Nobody has assessed this yet", name="Somebody")
    ada = User.objects.get(username="ada")
    ada.memberships.create(program=program)
    content = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT)
    again = keys.invite(User.objects.create_user("ben", name="Ben"), program, {content: seeds[Purpose.CONTENT]})
    assert again
    kept.keep(program, {"vault_pepper": settings.VAULT_PEPPER})
    keeper = Keeper()
    keeper._beat()
    handing._sealed(keeper._row, content, seeds[Purpose.CONTENT]).save(force_insert=True)
    tip = Tip.objects.filter(assessment=None).get()
    wrapped = Wrap.objects.get(tip=tip, purpose="content")
    holder = wraps.Holder(program.pk, tip.pk, "content", content.pk)
    key = wraps.unwrap(bytes(wrapped.sealed), seed=seeds[Purpose.CONTENT], holder=holder)
    case = Case.objects.filter(oversight=False).first()
    assert case is not None
    noted = Note(program=program, case=case, by=ada, number=1)
    noted.sealed = sealing.seal(
        b"Call the rink", key=sealing.new_data_key(), place=sealed.place(case.tip, sealed.NOTE, noted.pk)
    )
    noted.save(force_insert=True)
    reason = IdentityRequest(program=program, case=case, asked_by=ada, until=noon)
    place = sealing.Place(program.pk, reason.pk, sealed.IDENTITY_REQUEST)
    reason.sealed = sealing.seal(b"To call the school", key=sealing.new_data_key(), place=place)
    reason.save(force_insert=True)
    views = SavedViews(program=program, user=ada)
    views.sealed = sealing.seal(b'[["Rink", "category=drugs"]]', key=sealing.new_data_key(), place=saved._place(views))
    views.save(force_insert=True)
    return {"data key": key, "program key": seeds[Purpose.CONTENT], "key of the hour": epoch_seed}


def secrets_of(role: str) -> Iterator[bytes]:
    """The secret files a role is given, and what else lies on its disk: public keys and pins."""
    for name in SECRETS[role]:
        yield (django_settings.SECRETS_DIR / name).read_bytes().strip()
    for path in (django_settings.KEY_PINS, django_settings.PAGER_EVENT_PUBLIC):
        if path.exists():
            yield path.read_bytes()


def broker() -> Iterator[bytes]:
    """All that Redis holds and has written, after tips were handed over through it."""
    publisher = Publisher()
    publisher.close()
    client = redis.Redis(unix_socket_path=django_settings.BROKER_URL.removeprefix("redis+socket://"))
    # Not one of the workers' own queues: what is left in those is read by the next worker of these tests.
    client.rpush("handed-over", *[str(pk) for pk in Tip.objects.values_list("pk", flat=True)])
    for key in client.scan_iter():
        yield client.dump(key) or b""
        yield bytes(key)
    client.delete("handed-over")
    client.close()
    for path in (Path(django_settings.STATE_DIR) / "redis").rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def tried(loot: list[bytes]) -> list[str]:
    """What opens with the dump and this."""
    return blobs.opened(blobs.everything(), blobs.candidates(loot) | blobs.candidates(blobs.stored_bytes()))


LOOT = {
    "a worker's disk": lambda: list(secrets_of("triage")),
    "the public door's disk": lambda: list(secrets_of("public")),
    "Redis": lambda: list(broker()),
    "the console's secrets without a phrase": lambda: list(secrets_of("console")),
    "the custodian's disk": lambda: list(secrets_of("custodian")),
    "the pagers' disk": lambda: [*secrets_of("page"), *secrets_of("pager"), *secrets_of("watch")],
    "nothing more": list,
}


def test_every_binary_column_is_tried_or_named_as_no_secret(lived_in):
    sealed_columns = blobs.binary_columns() - blobs.IN_CLEAR - blobs.OF_THE_PAGERS
    there = {blob.column for blob in blobs.everything()}

    # A link between keys comes with a rotation: tests/triage/vault has those.
    assert sealed_columns - there <= {"keylink.sealed"}
    assert len(blobs.everything()) > 30


@pytest.mark.parametrize("found", LOOT)
def test_a_dump_and_one_thing_more_open_nothing(lived_in, found):
    loot = LOOT[found]()
    assert loot or found == "nothing more"

    assert tried(loot) == []


@pytest.mark.parametrize(
    ("planted", "opens"),
    [
        ("data key", {"tip.sealed"}),
        ("program key", {"wrap.sealed", "boardsheet.sealed", "keptsecret.sealed"}),
        ("key of the hour", {"wrap.sealed"}),
    ],
)
def test_the_search_finds_a_key_that_was_planted(lived_in, planted, opens):
    hidden = [b"before " + lived_in[planted].hex().encode() + b" after"]

    # A board sheet's key is derived with the program's id as salt, which the thief knows, too.
    if planted == "program key":
        opens = opens - {"boardsheet.sealed"}
    assert set(tried(hidden)) == opens


def test_an_unlocked_session_opens_nothing_without_the_browsers_cookie(lived_in, settings, sign_in):  # noqa: F811
    settings.ROOT_URLCONF = "tipline.urls_console"
    settings.MIDDLEWARE = settings.CONSOLE_MIDDLEWARE
    ada = User.objects.get(username="ada")
    phrase = "correct horse battery staple words here"
    unlocked = keys.change_phrase(_unlocked(lived_in, ada), phrase)
    assert unlocked is not None
    secret = second.new_secret()
    second.enrol(ada, secret, 0)
    client = Client(headers={"host": "localhost"})
    client.post("/sign-in/", {"username": "ada", "pass_phrase": phrase}, secure=True)

    stored = [blob for blob in blobs.everything() if blob.column == "session.unlocked"]
    loot = blobs.candidates([*secrets_of("console")]) | blobs.candidates(blobs.stored_bytes())

    assert len(stored) == 1
    assert blobs.opened(stored, loot) == []
    cookie = client.cookies["__Host-unlock"].value.encode()
    assert blobs.opened(stored, blobs.candidates([cookie])) == ["session.unlocked"]


def _unlocked(lived_in, ada):
    """Ada's key of the fixture, given anew: what she was shown then is not kept."""
    content = ProgramKey.objects.get(purpose=Purpose.CONTENT)
    code = keys.invite(ada, content.program, {content: lived_in["program key"]})
    return keys.accept(ada.invitation, code)[0]


def test_with_the_pepper_a_guessed_phrase_would_open_and_no_other_does(lived_in, settings):
    """The pepper alone makes nothing of a wrong phrase; the right one is what it takes."""
    ada = User.objects.get(username="ada")
    unlocked = _unlocked(lived_in, ada)
    keys.change_phrase(unlocked, "six words that she has on paper")
    person = ada.key
    place = keys._person_place(person)

    def opens(phrase: str) -> bool:
        under = stretch(phrase, salt=bytes(person.salt), cost=Cost.parse(person.argon2))
        try:
            return bool(sealing.unseal(bytes(person.sealed_private), key=under, place=place))
        except sealing.SealBroken:
            return False

    assert opens("six words that she has on paper")
    assert not any(opens(guess) for guess in ("", "ada", "Ada", settings.VAULT_PEPPER, "six words she has on paper"))
