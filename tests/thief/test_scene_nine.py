"""The ninth scene: a thief takes database, backups, write-ahead log, yesterday's worker disk and the words of somebody
who left; a court takes all there is. Neither has a text, a language, a school, an address or a minute.

What the write-ahead log and a backup add to a dump are rows as they were: keys of the hour's wraps that are deleted
since, the key of who left. So every blob is taken twice, before and after.
"""

from dataclasses import dataclass

import pytest

from intake.models import Due, ProgramKey, Purpose, Wrap
from tests.thief import blobs
from tests.thief.test_thief import broker, lived_in, secrets_of  # noqa: F401  fixture
from tests.triage.console.conftest import sign_in  # noqa: F401  fixture
from tipline.runner.processes import SECRETS
from triage import actions, epochs
from triage.models import User
from triage.vault import keys, people
from triage.vault.stretching import Cost, stretch

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ["public", "pager", "console", "triage", "page", "watch", "custodian"]


@dataclass
class Loot:
    """Everything sealed, as it was and as it is; every stored byte of both; the words of who left, and their salts."""

    sealed: list[blobs.Blob]
    stored: set[bytes]
    phrase: str
    salts: list[tuple[bytes, str]]

    def tried_with(self, *found: bytes) -> set[str]:
        """The columns that open with this and with everything stored."""
        return set(blobs.opened(self.sealed, blobs.candidates(found) | blobs.candidates(self.stored)))

    def stretched(self) -> list[bytes]:
        """What the words of who left become, under the pepper that is in force."""
        return [stretch(self.phrase, salt=salt, cost=Cost.parse(cost)) for salt, cost in self.salts]


@pytest.fixture
def loot(lived_in, program, epoch_seed, noon, monkeypatch) -> Loot:  # noqa: F811
    """A backup of yesterday and a dump of today, with a tip assessed and a coordinator gone in between."""
    content = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT)
    given = {content: lived_in["program key"]}
    ben = User.objects.create_user("benjamin", name="Benjamin")
    ben.memberships.create(program=program)
    code = keys.invite(ben, program, given)
    _, phrase = keys.accept(ben.invitation, code)
    ada = User.objects.get(username="ada")
    code = keys.invite(ada, program, given)
    hers, _ = keys.accept(ada.invitation, code)
    salts = [(bytes(ben.key.salt), ben.key.argon2)]
    backup, stored = blobs.everything(), blobs.stored_bytes()

    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    for due in Due.objects.all():
        actions.assess_due(due.pk, now=noon)
    people.leave(program, ben, by=ada, unlocked=hers, now=noon)
    assert not Wrap.objects.filter(purpose="epoch").exists()
    return Loot([*backup, *blobs.everything()], stored | blobs.stored_bytes(), phrase, salts)


def test_the_thief_with_backup_log_worker_and_an_ex_coordinators_words_opens_nothing(loot: Loot, settings):
    settings.VAULT_PEPPER = ""  # it is in neither database nor backup, and on no worker's disk
    found = [*secrets_of("triage"), *broker(), loot.phrase.encode(), *loot.stretched()]

    assert loot.tried_with(*found) == set()


def test_the_court_with_every_secret_of_the_server_opens_nothing(loot: Loot):
    found = [secret for role in ROLES for secret in secrets_of(role)]

    assert set(ROLES) <= set(SECRETS)
    assert len(found) > 15
    assert loot.tried_with(*found, *broker()) == set()


def test_only_words_pepper_and_an_old_backup_together_open_what_that_person_could_read_then(loot: Loot):
    """The search can find; and what it finds is in docs/threat-model.md: the keys themselves, copied before leaving."""
    assert loot.tried_with(*loot.stretched()) == {"personkey.sealed_private"}
