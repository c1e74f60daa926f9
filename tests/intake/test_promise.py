"""Every sentence of the promise is true for a reason, and names the test that proves it."""

from datetime import timedelta
from pathlib import Path

import pytest

from intake import promise
from intake.models import Program, ProgramKey, Purpose
from triage import promising
from triage.models import Grant, Invitation, User

ROOT = Path(__file__).parents[2]

# {sentence: the tests that prove it, or why no test can}.
PROVEN: dict[str, list[str] | str] = {
    "no name": ["tests/look/test_public_pages.py::test_a_program_can_switch_the_submitter_details_off"],
    "no trace": ["tests/runner/test_gunicorn.py::", "tests/test_doors.py::"],
    "sealed": ["tests/story/test_dump.py::", "tests/thief/test_thief.py::"],
    "read here": ["tests/runner/test_processes.py::test_a_service_meets_only_whom_its_process_needs"],
    "readers": ["tests/intake/test_promise.py::test_who_is_let_in_or_leaves_is_counted"],
    "police": ["tests/intake/test_promise.py::test_the_police_officer_is_named_only_where_there_is_one"],
    "insiders": ["tests/triage/console/test_board.py::"],
    "identity": ["tests/triage/console/test_submitter.py::test_nobody_agrees_to_their_own_asking"],
    "passed on": "what people do; the console shows what endangers the sender before anything is passed on",
    "the law": "the law of the place",
    "your phone": "said because it cannot be promised",
    "your network": "said because it cannot be promised",
    "what you know": "said because it cannot be promised",
    "your name": "said because it cannot be promised",
}


@pytest.fixture
def kept(program: Program, noon) -> Program:
    promising.keep(noon)
    program.refresh_from_db()
    return program


def test_every_sentence_has_its_proof_and_every_proof_its_sentence():
    assert [each.name for each in promise.sentences()] == list(PROVEN)


@pytest.mark.parametrize(
    "proof", sorted({proof for proofs in PROVEN.values() if isinstance(proofs, list) for proof in proofs})
)
def test_the_proofs_named_here_exist(proof: str):
    file, _, name = proof.partition("::")

    source = (ROOT / file).read_text()
    assert f"def {name or 'test_'}" in source


def test_the_police_officer_is_named_only_where_there_is_one():
    assert "One of them is a police officer." in promise.paragraphs(Program(police_reader=True))[1]
    assert "police officer" not in " ".join(promise.paragraphs(Program(police_reader=False)))


def test_what_is_said_of_names_follows_the_settings():
    def said(**settings: bool) -> str:
        return " ".join(promise.paragraphs(Program(**settings)))

    assert "two people must agree" in said(identity_needs_two=True)
    assert "without a written reason" in said(identity_needs_two=False)
    assert "If you write your name" not in said(identity_allowed=False)


@pytest.mark.django_db
def test_who_is_let_in_or_leaves_is_counted(program, seeds, noon):
    key = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT)
    people = [User.objects.create_user(name) for name in ("ada", "ben", "eve")]
    for person in people[:2]:
        Grant.objects.create(program=program, program_key=key, user=person, sealed=b"-")
    invited = Invitation.objects.create(
        program=program, user=people[2], public_key=b"-", salt=b"-", argon2="1,1,8", sealed_private=b"-"
    )
    Grant.objects.create(program=program, program_key=key, invitation=invited, sealed=b"-")
    promising.keep(noon)
    program.refresh_from_db()
    assert program.readers == 3

    Grant.objects.filter(user=people[0]).delete()
    promising.keep(noon)

    program.refresh_from_db()
    assert program.readers == 2
    assert "After that 2 people at" in promise.paragraphs(program)[1]


@pytest.mark.django_db
def test_the_day_stands_while_nothing_changes_and_moves_when_it_does(kept, noon):
    before = kept.changed_on

    promising.keep(noon + timedelta(days=9))
    kept.refresh_from_db()
    assert kept.changed_on == before
    Program.objects.filter(pk=kept.pk).update(police_reader=not kept.police_reader)
    promising.keep(noon + timedelta(days=10))

    kept.refresh_from_db()
    assert kept.changed_on == (noon + timedelta(days=10)).date()


@pytest.mark.django_db
def test_another_text_of_a_new_version_moves_the_day_too(kept, noon, monkeypatch):
    other = promise.Sentence("no name", lambda program: "We never ask who you are.")
    monkeypatch.setattr(promise, "PARAGRAPHS", ((other,), *promise.PARAGRAPHS[1:]))

    assert promising.keep(noon + timedelta(days=1)) == 1
