"""The recovery kit: what it opens, when it counts, how it is replaced, and the commands at the server."""

import io
import itertools

import pytest
from django.core.management import CommandError, call_command

from intake.models import ProgramKey, Purpose
from tipline.kernel import shares, wraps
from triage.doctor import Level, kit
from triage.models import AuditEntry, Grant, Invitation, Membership, RecoveryKey, User
from triage.vault import kept, keys, people, recovery, rotation, sheets

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(join):
    return join("Ada")


@pytest.fixture
def chair(join):
    return join("Chair", "oversight")


@pytest.fixture
def make_kit(program, noon):
    """Print a kit and prove it, as this person."""

    def _make(person, threshold=2, count=3):
        made = recovery.draft(program, threshold=threshold, sheets=count)
        recovery.confirm(program, made, by=person[0], unlocked=keys.unlock(*person), now=noon)
        return made

    return _make


def _join(program, person, noon):
    return recovery.join(program, by=person[0], unlocked=keys.unlock(*person), now=noon)


@pytest.fixture
def typing(monkeypatch):
    """Type these lines at the terminal, one after the other."""

    def _type(*lines):
        waiting = iter(lines)
        monkeypatch.setattr("builtins.input", lambda _: next(waiting))

    return _type


def test_any_two_of_three_sheets_open_every_key_of_who_printed_it(program, ada, make_kit, seeds):
    made = make_kit(ada)

    for two in itertools.combinations(made.lines, 2):
        _, opened = recovery.opened(program, two)
        assert {key.purpose: seed for key, seed in opened.items()} == {
            "content": seeds[Purpose.CONTENT],
            "identity": seeds[Purpose.IDENTITY],
        }


def test_the_kit_holds_the_oversight_key_only_once_its_holder_added_it(program, ada, chair, make_kit, seeds, noon):
    made = make_kit(ada)
    before = recovery.state(program)
    _join(program, chair, noon)

    assert before.missing == (Purpose.OVERSIGHT,)
    assert recovery.state(program).whole
    _, opened = recovery.opened(program, made.lines[:2])
    assert len(opened) == 3
    assert list(AuditEntry.objects.order_by("number").values_list("event", flat=True)) == ["kit_printed", "kit_joined"]


def test_one_sheet_opens_nothing(program, ada, make_kit):
    made = make_kit(ada)

    with pytest.raises(shares.SharesDoNotFit):
        recovery.opened(program, made.lines[:1])


def test_a_kit_that_was_never_confirmed_holds_nothing(program, ada):
    made = recovery.draft(program)

    assert recovery.state(program).kit is None
    with pytest.raises(recovery.WrongSheets):
        recovery.opened(program, made.lines[:2])


def test_a_kit_whose_public_key_was_changed_gets_no_key(program, ada, chair, make_kit, noon):
    make_kit(ada)
    RecoveryKey.objects.update(public_key=wraps.public_key(wraps.new_seed()))

    with pytest.raises(recovery.NotVouched):
        _join(program, chair, noon)

    assert not Grant.objects.filter(recovery__isnull=False, program_key__purpose="oversight").exists()


def test_the_kit_opens_what_comes_after_a_rotation(program, ada, chair, make_kit, send, tip_of, noon):
    made = make_kit(ada)
    _join(program, chair, noon)
    rotation.rotate(program, [Purpose.CONTENT], by=ada[0], unlocked=keys.unlock(*ada), now=noon)
    wrap = tip_of(send()).wraps.get(purpose="content")

    _, opened = recovery.opened(program, made.lines[1:])

    assert wrap.key_id in {key.pk for key in opened}


def test_a_replaced_kit_opens_nothing_that_comes_afterwards(program, ada, chair, make_kit, noon):
    old = make_kit(ada)
    _join(program, chair, noon)
    held = recovery.opened(program, old.lines[:2])[1]
    new = make_kit(ada)
    _join(program, chair, noon)

    with pytest.raises(recovery.WrongSheets):
        recovery.opened(program, old.lines[:2])
    _, opened = recovery.opened(program, new.lines[:2])
    assert len(opened) == 3
    assert {key.pk for key in opened}.isdisjoint(key.pk for key in held)
    assert RecoveryKey.objects.count() == 1


def test_until_the_chair_adds_hers_the_old_kit_still_opens_her_key(program, ada, chair, make_kit, noon):
    old = make_kit(ada)
    _join(program, chair, noon)
    make_kit(ada)

    kit, opened = recovery.opened(program, old.lines[:2])

    assert kit.replaced
    assert {key.purpose for key in opened} == {"oversight"}


def test_copies_under_first_codes_go_when_the_kit_holds_their_keys(program, seeds, make_kit, noon):
    people_ = {}
    for name, role in (("ada", "coordinator"), ("chair", "oversight")):
        user = User.objects.create_user(name, name=name)
        Membership.objects.create(program=program, user=user, role=role)
        wanted = ProgramKey.objects.filter(purpose__in=keys.purposes_for(user, program))
        held = {key: seeds[Purpose(key.purpose)] for key in wanted}
        code = keys.invite(user, program, held, until_kit=True)
        _, phrase = keys.accept(user.invitation, code)
        people_[name] = (user, phrase)
    assert Invitation.objects.filter(used=True).count() == 2

    make_kit(people_["ada"])
    after_ada = set(Invitation.objects.values_list("user__username", flat=True))
    _join(program, people_["chair"], noon)

    assert after_ada == {"chair"}
    assert not Invitation.objects.exists()


def test_a_drill_proves_the_sheets_and_changes_nothing_but_its_day(program, ada, chair, make_kit, typing, noon):
    made = make_kit(ada)
    _join(program, chair, noon)
    before = set(Grant.objects.values_list("pk", "program_key_id"))
    typing("not a sheet", made.lines[0], made.lines[0], made.lines[2])
    out = io.StringIO()

    call_command("recovery_drill", stdout=out)

    assert "The kit opens everything" in out.getvalue()
    assert "typed this sheet already" in out.getvalue()
    assert RecoveryKey.objects.get().drilled_on is not None
    assert set(Grant.objects.values_list("pk", "program_key_id")) == before
    assert AuditEntry.objects.filter(event="kit_drilled").count() == 1
    assert made.lines[0] not in out.getvalue()


def test_a_drill_with_sheets_of_two_kits_fails(program, ada, make_kit, typing):
    one, two = make_kit(ada), recovery.draft(program)
    typing(one.lines[0], two.lines[1])

    with pytest.raises(CommandError, match="different kits"):
        call_command("recovery_drill")

    assert RecoveryKey.objects.get().drilled_on is None


def test_a_drill_says_which_key_the_kit_lacks(program, ada, make_kit, typing):
    typing(*make_kit(ada).lines[:2])

    with pytest.raises(CommandError, match="Tips about police"):
        call_command("recovery_drill", stdout=io.StringIO())


def test_when_everybody_lost_their_words_the_sheets_let_a_first_person_in(
    program, ada, make_kit, typing, send, tip_of, reads
):
    tip = tip_of(send())
    typing(*make_kit(ada).lines[1:])
    out = io.StringIO()

    call_command("recover", "ada", stdout=out)

    code = out.getvalue().split("one-time code: ")[1].splitlines()[0]
    unlocked, _ = keys.accept(keys.open_invitation("ada", code), code)
    assert reads(unlocked, tip)
    assert keys.unlock(*ada) is None
    assert AuditEntry.objects.filter(event="recovered").count() == 1


def test_the_sheets_let_a_new_chair_in(program, ada, chair, make_kit, typing, noon, seeds):
    made = make_kit(ada)
    _join(program, chair, noon)
    typing(*made.lines[:2])
    out = io.StringIO()

    call_command("recover", "newchair", "--name", "New chair", "--role", "oversight", stdout=out)

    code = out.getvalue().split("one-time code: ")[1].splitlines()[0]
    unlocked, _ = keys.accept(keys.open_invitation("newchair", code), code)
    assert unlocked.program_seed(program, "oversight") == seeds[Purpose.OVERSIGHT]
    assert unlocked.program_seed(program, "content") is None


def test_the_kit_gives_the_peppers_back(program, ada, make_kit, typing):
    kept.keep(program, {"vault_pepper": "of the vault", "receipt_pepper": "of receipts"})
    typing(*make_kit(ada).lines[:2])
    out = io.StringIO()

    call_command("recover", "--peppers", stdout=out)

    assert "vault_pepper: of the vault" in out.getvalue()
    assert "receipt_pepper: of receipts" in out.getvalue()


def test_the_doctor_says_how_it_stands_with_the_kit(program, ada, chair, make_kit, noon, typing):
    def said(*levels: Level) -> str:
        return " ".join(finding.text for finding in kit.recovery_kit() if finding.level in levels)

    assert "never printed" in said(Level.GRAVE)
    made = make_kit(ada)
    assert "does not hold the key" in said(Level.GRAVE)
    assert "never tried" in said(Level.LOOK)
    _join(program, chair, noon)
    typing(*made.lines[:2])
    call_command("recovery_drill", stdout=io.StringIO())

    assert said(Level.LOOK, Level.GRAVE) == ""
    assert "last tried on" in said(Level.WELL)


def test_a_sheet_holds_its_own_words_and_no_others(program):
    made = recovery.draft(program)

    pages = [sheets.pdf(made, number, program=program.name) for number in (1, 2, 3)]

    assert all(page.startswith(b"%PDF") for page in pages)
    assert sheets.pdf(made, 1, program=program.name) == pages[0]
    for number, page in enumerate(pages):
        for at, line in enumerate(made.lines):
            last = line.split()[-3:]
            shown = all(f"{place} {word}".encode() in page for place, word in zip((31, 32, 33), last, strict=True))
            assert shown is (at == number)
        assert made.checks[number].encode() in page


def test_a_holder_of_a_sheet_who_leaves_is_answered_by_a_new_kit(program, ada, chair, join, make_kit, noon):
    old = make_kit(ada)
    ben, _ = join("Ben")
    people.leave(program, ben, by=ada[0], unlocked=keys.unlock(*ada), now=noon)
    still = recovery.opened(program, old.lines[:2])[1]
    make_kit(ada)

    assert {key.purpose for key in still} == {"content", "identity"}
    with pytest.raises(recovery.WrongSheets):
        recovery.opened(program, old.lines[:2])
