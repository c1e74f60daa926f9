"""Random lives of a program: whatever happens in whatever order, who is entitled reads and who left does not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import intake.keys
from intake import sealed
from intake.models import Program, ProgramKey, Purpose, Tip, Wrap, WrapPurpose
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.management.commands.recover import let_in
from triage.models import Invitation, KeyLink, Membership, Role, User
from triage.vault import holders, keys, people, phrases, pins, recovery, rotation
from triage.vault.roles import GIVES

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
SEATS = st.integers(0, 20)
FEW = settings(max_examples=15, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass
class Somebody:
    """A person and the papers they have, or had."""

    user: User
    role: Role
    phrases: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    lost: bool = False
    # What they could have copied while they were here: every private key they could open.
    copied: dict[UUID, bytes] = field(default_factory=dict)


class Lives(RuleBasedStateMachine):
    """What is on paper stands here, what the server knows in the database."""

    def __init__(self) -> None:
        super().__init__()
        self.undo: Any = transaction.atomic()
        self.undo.__enter__()
        intake.keys.forget()
        self.here: list[Somebody] = []
        self.gone: list[tuple[Somebody, int]] = []  # with how many tips there were when they went
        self.tips: list[tuple[Tip, Purpose]] = []
        self.kits: list[recovery.Draft] = []
        self.count = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)
        intake.keys.forget()

    @initialize()
    def begin(self) -> None:
        self.program = Program.objects.create(slug="here", name="Here", changed_on=NOON.date())
        seeds = keys.create_program_keys(self.program)
        pins.add(keys.pin_lines(self.program))
        for name, role in (("ada", Role.COORDINATOR), ("chair", Role.OVERSIGHT)):
            user = User.objects.create_user(name, name=name)
            Membership.objects.create(program=self.program, user=user, role=role)
            wanted = ProgramKey.objects.filter(purpose__in=keys.purposes_for(user, self.program))
            held = {key: seeds[Purpose(key.purpose)] for key in wanted}
            somebody = Somebody(user, role, codes=[keys.invite(user, self.program, held, until_kit=True)])
            self.here.append(somebody)
            self._use_code(somebody)
        # So that somebody can leave from the first step on.
        self._let_in(self.here[0], Role.COORDINATOR, identity=True, signs_in=True)
        self._let_in(self.here[1], Role.OVERSIGHT, identity=True, signs_in=True)

    @rule(insider=st.booleans())
    def a_tip_comes(self, insider: bool) -> None:
        # As the public door does it: to the pinned key, whose private half it never had.
        purpose = Purpose.OVERSIGHT if insider else Purpose.CONTENT
        tip = Tip(program=self.program, week=NOON.date())
        key = sealing.new_data_key()
        tip.sealed = sealing.seal(b"words", key=key, place=sealed.place(tip, sealed.CONTENT))
        tip.save(force_insert=True)
        sealed.wrap_for(tip, purpose, intake.keys.program_key(self.program, purpose), key).save(force_insert=True)
        self.tips.append((tip, purpose))

    @rule(seat=SEATS, role=st.sampled_from(list(Role)), identity=st.booleans(), signs_in=st.booleans())
    def somebody_is_let_in(self, seat: int, role: Role, identity: bool, signs_in: bool) -> None:
        by = self._member(seat)
        if by is not None:
            self._let_in(by, role, identity=identity, signs_in=signs_in)

    def _let_in(self, by: Somebody, role: Role, *, identity: bool, signs_in: bool) -> None:
        self.count += 1
        name = f"p{self.count}"
        unlocked = self._unlocked(by)
        asked = {"username": name, "name": name, "role": role, "identity": identity}
        wanted = [people.MAIN[role], Purpose.IDENTITY if identity and role in people.IDENTITY_TOO else None]
        wanted = [purpose for purpose in wanted if purpose is not None]
        if all(unlocked.program_seed(self.program, purpose) for purpose in wanted) and role not in GIVES[by.role]:
            with pytest.raises(people.NotTheirs):
                people.let_in(self.program, **asked, by=by.user, unlocked=unlocked, now=NOON)
            return
        if any(unlocked.program_seed(self.program, purpose) is None for purpose in wanted):
            with pytest.raises(people.NotHeld):
                people.let_in(self.program, **asked, by=by.user, unlocked=unlocked, now=NOON)
            return
        user, code = people.let_in(self.program, **asked, by=by.user, unlocked=unlocked, now=NOON)
        self.here.append(Somebody(user, role, codes=[code]))
        if signs_in:
            self._use_code(self.here[-1])

    @rule(seat=SEATS)
    def a_code_is_used(self, seat: int) -> None:
        waiting = [each for each in self.here if Invitation.objects.filter(user=each.user, used=False).exists()]
        if waiting:
            self._use_code(waiting[seat % len(waiting)])

    @rule(seat=SEATS)
    def a_pass_phrase_is_lost(self, seat: int) -> None:
        somebody = self._member(seat)
        if somebody is not None:
            somebody.lost = True

    @rule(seat=SEATS, whose=SEATS)
    def a_colleague_gives_a_new_code(self, seat: int, whose: int) -> None:
        by, somebody = self._member(seat), self.here[whose % len(self.here)]
        if by is None:
            return
        try:
            code = people.new_code(self.program, somebody.user, by=by.user, unlocked=self._unlocked(by), now=NOON)
        except (people.NotHeld, people.LastHolder, people.NotOneself, people.NotTheirs):
            return
        somebody.codes.append(code)

    @rule(seat=SEATS)
    def words_are_changed(self, seat: int) -> None:
        somebody = self._member(seat)
        if somebody is not None:
            words = phrases.generate()
            keys.change_phrase(self._unlocked(somebody), words)
            somebody.phrases.append(words)

    @rule(seat=SEATS, purposes=st.sets(st.sampled_from(list(Purpose)), min_size=1))
    def keys_are_rotated(self, seat: int, purposes: set[Purpose]) -> None:
        by = self._member(seat)
        if by is None:
            return
        unlocked = self._unlocked(by)
        held = [purpose for purpose in purposes if unlocked.program_seed(self.program, purpose) is not None]
        for done in rotation.rotate(self.program, held, by=by.user, unlocked=unlocked, now=NOON):
            assert done.left_out == ()

    @rule(seat=SEATS, whose=SEATS, by_a_peer=st.sampled_from([True, True, True, False]))
    def somebody_leaves(self, seat: int, whose: int, by_a_peer: bool) -> None:
        by, somebody = self._member(seat), self.here[whose % len(self.here)]
        if by_a_peer:
            main = people.MAIN[somebody.role]
            able = [each for each in self.here if each is not somebody and each.phrases and not each.lost]
            by = next((each for each in able if people.MAIN[each.role] == main), by)
        if by is None:
            return
        self._copy(somebody)
        try:
            people.leave(self.program, somebody.user, by=by.user, unlocked=self._unlocked(by), now=NOON)
        except (people.NotHeld, people.LastHolder, people.NotOneself, people.NotTheirs):
            return
        self.here.remove(somebody)
        self.gone.append((somebody, len(self.tips)))
        self.a_tip_comes(somebody.role == Role.OVERSIGHT)

    @rule(seat=SEATS)
    def a_kit_is_printed(self, seat: int) -> None:
        by = self._member(seat)
        if by is None or people.MAIN[by.role] is None:
            return
        made = recovery.draft(self.program)
        recovery.confirm(self.program, made, by=by.user, unlocked=self._unlocked(by), now=NOON)
        self.kits.append(made)

    @rule(seat=SEATS)
    def somebody_adds_their_keys_to_the_kit(self, seat: int) -> None:
        by = self._member(seat)
        if by is not None and people.MAIN[by.role] is not None:
            recovery.join(self.program, by=by.user, unlocked=self._unlocked(by), now=NOON)

    @precondition(lambda self: self.kits)
    @rule(role=st.sampled_from([Role.COORDINATOR, Role.OVERSIGHT]))
    def the_kit_lets_somebody_in(self, role: Role) -> None:
        try:
            _, opened = recovery.opened(self.program, self.kits[-1].lines[1:])
        except recovery.WrongSheets:
            return
        purpose = people.MAIN[role]
        if any(key.purpose == purpose for key in opened):
            self.count += 1
            code = let_in(self.program, opened, f"p{self.count}", f"P{self.count}", role)
            self.here.append(Somebody(User.objects.get(username=f"p{self.count}"), role, codes=[code]))

    @invariant()
    def everybody_entitled_reads_every_tip(self) -> None:
        for somebody in self.here:
            if not somebody.phrases or somebody.lost:
                continue
            unlocked = self._unlocked(somebody)
            seeds = {key: unlocked.seed_of(key) for key in unlocked.key_ids()}
            for tip, purpose in self.tips:
                assert _opens(tip, seeds) is (people.MAIN[somebody.role] == purpose)

    @invariant()
    def no_key_is_ever_without_a_holder_or_a_kit(self) -> None:
        for key in ProgramKey.objects.filter(retired=False):
            assert key.grants.exists()

    @invariant()
    def who_left_opens_nothing_that_came_afterwards(self) -> None:
        for somebody, before in self.gone:
            for phrase in somebody.phrases:
                assert keys.unlock(somebody.user, phrase) is None
            for code in somebody.codes:
                assert keys.open_invitation(somebody.user.username, code, now=NOON) is None
            assert not any(_opens(tip, somebody.copied) for tip, _ in self.tips[before:])

    @invariant()
    def a_kit_that_counts_opens_what_it_says(self) -> None:
        state = recovery.state(self.program) if self.kits else None
        if state is None or state.kit is None:
            return
        _, opened = recovery.opened(self.program, self.kits[-1].lines[:2])
        seeds = _with_older({key.pk: seed for key, seed in opened.items()})
        for tip, purpose in self.tips:
            assert _opens(tip, seeds) or purpose in state.missing

    def _member(self, seat: int) -> Somebody | None:
        able = [each for each in self.here if each.phrases and not each.lost]
        return able[seat % len(able)] if able else None

    def _unlocked(self, somebody: Somebody) -> keys.Unlocked:
        found = keys.unlock(somebody.user, somebody.phrases[-1])
        assert found is not None
        return found

    def _use_code(self, somebody: Somebody) -> None:
        invitation = keys.open_invitation(somebody.user.username, somebody.codes[-1], now=NOON)
        assert invitation is not None
        _, words = keys.accept(invitation, somebody.codes[-1], now=NOON)
        somebody.phrases.append(words)
        somebody.lost = False

    def _copy(self, somebody: Somebody) -> None:
        """Let somebody note all they can open on this day: with their words, or with a code not used yet."""
        if somebody.phrases and (unlocked := keys.unlock(somebody.user, somebody.phrases[-1])):
            somebody.copied |= {key: unlocked.seed_of(key) or b"" for key in unlocked.key_ids()}
        invitation = Invitation.objects.filter(user=somebody.user).first()
        for code in somebody.codes[-1:] if invitation else []:
            if seed := keys.invited_seed(invitation, code):
                given = {each.program_key_id: holders.open_grant(each, seed=seed) for each in invitation.grants.all()}
                somebody.copied |= _with_older(given)


def _with_older(seeds: dict[UUID, bytes]) -> dict[UUID, bytes]:
    found = dict(seeds)
    while more := [link for link in KeyLink.objects.all() if link.newer_id in found and link.older_id not in found]:
        for link in more:
            found[link.older_id] = holders.open_link(link, seed=found[link.newer_id])
    return found


def _opens(tip: Tip, seeds: dict[UUID, bytes | None]) -> bool:
    for wrap in Wrap.objects.filter(tip=tip, purpose__in=[WrapPurpose.CONTENT, WrapPurpose.OVERSIGHT]):
        seed = seeds.get(wrap.key_id)
        if seed is None:
            continue
        try:
            key = sealed.data_key(tip, [wrap], key_id=wrap.key_id, seed=seed)
            assert key is not None
            sealing.unseal(bytes(tip.sealed), key=key, place=sealed.place(tip, sealed.CONTENT))
        except SealBroken:
            continue
        return True
    return False


def test_no_life_of_a_program_locks_the_entitled_out_or_leaves_a_leaver_in():
    run_state_machine_as_test(Lives, settings=FEW)
