"""200 sample tips, for looking at the console. Every one goes the way a real tip goes; none pages anybody."""

import json
import random
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from intake import actions as intake
from intake.message import Identity, Message
from intake.models import Due, Program, Tip, TipStatus
from tipline.kernel.clock import database_now
from tipline.kernel.receipts import Phrase
from triage import actions, epochs
from triage.escalation import taking
from triage.models import Case, CaseStatus, Membership, User

SAMPLES = Path(__file__).parents[2] / "demo" / "tips.jsonl"
NEW = 45  # the newest ones nobody has opened, as on a Monday morning
LONGEST_AGO = timedelta(days=35)
FOLLOW_UPS = ("He was there again this morning.", "It is the white house, not the grey one.", "Did anything happen?")
ANSWER = "Thank you. We have read this and passed on what is needed. If you see it again, tell us the day and the hour."


class Command(BaseCommand):
    help = "Load 200 sample tips into an empty installation. Urgent ones are shown as opened, so that nobody is paged."

    def handle(self, *args: Any, **options: Any) -> None:
        if Tip.objects.exists():
            self.stdout.write("There are tips already, so no sample tips were loaded.")
            return
        program = Program.objects.order_by("position", "slug")[0]
        reader = Membership.objects.filter(program=program, role="coordinator").select_related("user")[0].user
        # The same tips look alike on every machine; nothing secret is drawn from this.
        chance = random.Random(2026)  # noqa: S311
        epochs.rotate(database_now())
        samples = list(_samples())
        for place, (sample, sent) in enumerate(zip(samples, _times(chance, len(samples)), strict=True), start=1):
            self._one(program, sample, sent, chance, reader, still_new=place > len(samples) - NEW)
            if place % 50 == 0:
                self.stdout.write(f"{place} of {len(samples)} sample tips …")

    def _one(
        self,
        program: Program,
        sample: dict[str, str],
        sent: datetime,
        chance: random.Random,
        reader: User,
        *,
        still_new: bool,
    ) -> None:
        done = intake.submit(
            program,
            Message(text=sample["text"], guessable=chance.choice(["", "", "no", "unsure", "yes"])),
            Identity("Sam Sample", "after six") if chance.random() < 0.05 else Identity(),
            channel="web",
            key=secrets.token_urlsafe(16),
            now=sent,
        )
        paged = _assess()
        if done.phrase is None:
            return
        case = _case(done.phrase)
        if paged or not still_new:
            taking.mark_opened(case, by=reader, now=database_now())
        if still_new:
            return
        if chance.random() < 0.2:
            intake.reply(case.tip, ANSWER)
        if chance.random() < 0.15:
            more = Message(text=chance.choice(FOLLOW_UPS))
            intake.follow_up(program, done.phrase, more, channel="web", key=secrets.token_urlsafe(16), now=sent)
            if _assess() or paged or chance.random() < 0.7:
                taking.mark_opened(case, by=reader, now=database_now())
        elif not paged and chance.random() < 0.6:
            Case.objects.filter(pk=case.pk).update(status=CaseStatus.CLOSED, taken_by=reader)
            intake.tell(case.tip, TipStatus.CLOSED)


def _samples() -> Iterator[dict[str, str]]:
    with SAMPLES.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _times(chance: random.Random, count: int) -> list[datetime]:
    """Oldest first, thinner the longer ago."""
    now = database_now()
    return sorted(now - LONGEST_AGO * chance.random() ** 2 for _ in range(count))


def _assess() -> bool:
    """Assess what waits; whether any of it would page."""
    done = [actions.assess_due(due) for due in Due.objects.values_list("pk", flat=True)]
    return any(found is not None and found.pages for found in done)


def _case(phrase: Phrase) -> Case:
    lookup = phrase.lookup(pepper=settings.RECEIPT_PEPPER.encode())
    return Case.objects.select_related("tip__program").get(tip__receipt__lookup=lookup)
