"""The canary: every few minutes a test tip of our own walks the whole way that a real one takes.

It is stored by `intake.actions.submit`, read by the workers, paged by the ladder, and its page goes to a
mailbox of its own. It belongs to a program that no person belongs to and no form leads to, so nobody
sees, counts or hears it. When it arrived, an address outside may be called: whoever waits there for
that call ("dead man's switch") raises the alarm when it does not come. It is deleted afterwards.
"""

import logging
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from intake import actions
from intake.keys import KeyNotTrusted
from intake.message import Identity, Message
from intake.models import CANARY, Program
from tipline.kernel.clock import database_now
from triage.escalation.carriers import Send
from triage.escalation.texts import Words
from triage.models import Notification
from triage.watching import beats, measures, telling

log = logging.getLogger("tipline.watch")

CALL_SECONDS = 5.0
REPEAT = 3600.0
"""Seconds between two mails about one and the same trouble."""


def dead_man(url: str) -> bool:
    """Call the address outside that waits for it; whether it answered."""
    try:
        # No proxy and no header of this machine; only http and https, as settings see to.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(url, headers={"User-Agent": "tipline"}), timeout=CALL_SECONDS):  # noqa: S310
            return True
    except (OSError, ValueError, urllib.error.URLError):
        return False


class Canary:
    """Sends one, looks for it, says what came of it. `every` and `late` are seconds."""

    def __init__(
        self,
        *,
        send: Send,
        call: Callable[[str], bool] = dead_man,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._call = call
        self._monotonic = monotonic
        self._next = float("-inf")
        self._sent: tuple[datetime, float] | None = None
        self._told = float("-inf")

    def look(self, now: datetime) -> None:
        """Send the next one when it is time; see what came of the one under way."""
        if not settings.CANARY_MAIL:
            return
        moment = self._monotonic()
        if self._sent is None:
            if moment >= self._next:
                self._next = moment + settings.CANARY_SECONDS
                self._set_out(moment)
            return
        since, begun = self._sent
        accepted = _accepted()
        if accepted is not None:
            self._arrived(now, (accepted - since).total_seconds())
        elif moment - begun > settings.CANARY_LATE_SECONDS:
            self._lost()

    def _set_out(self, moment: float) -> None:
        forget()
        program = Program.everything.filter(pk=CANARY).first()
        try:
            if program is None:
                raise KeyNotTrusted
            submit(program)
        except KeyNotTrusted:
            # `setup` has not run since a mailbox was named.
            log.error("canary.not_set_up")
            measures.show(measures.CANARY_FAILED, {"": 1})
            return
        self._sent = (database_now(), moment)

    def _arrived(self, now: datetime, seconds: float) -> None:
        self._sent, self._told = None, float("-inf")
        measures.show(measures.CANARY_SECONDS, {"": max(0, round(seconds))})
        measures.show(measures.CANARY_FAILED, {"": 0})
        beats.beat(beats.CANARY, now)
        forget()
        if settings.DEAD_MAN_URL and not self._call(settings.DEAD_MAN_URL):
            log.warning("canary.dead_man_away")

    def _lost(self) -> None:
        self._sent = None
        measures.show(measures.CANARY_FAILED, {"": 1})
        log.error("canary.lost")
        forget()
        moment = self._monotonic()
        if moment - self._told < REPEAT:
            return
        if telling.tell(operators(), words(), send=self._send):
            self._told = moment


def submit(program: Program) -> None:
    """Store one test tip as the form does. Raises KeyNotTrusted if its program's keys are not pinned."""
    # Other words each time: alike tips would be told of together.
    text = f"Canary {secrets.token_hex(8)} {secrets.token_hex(8)}: this is a test that no person reads."
    message = Message(text=text, danger="yes")
    key = secrets.token_urlsafe(24)
    actions.submit(program, message, Identity(), channel="web", key=key, now=database_now())


def forget() -> None:
    """Delete every row of the test program's tips: a function of the database does it, and can do nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT triage_forget_canaries()")


def _accepted() -> datetime | None:
    pages = Notification.objects.filter(escalation__program_id=CANARY, accepted_at__isnull=False)
    return pages.order_by("accepted_at").values_list("accepted_at", flat=True).first()


def operators() -> list[telling.Reach]:
    """Whoever runs this installation; if nobody is named, those who answer for its programs."""
    found: dict[telling.Reach, None] = {}
    for program in Program.objects.values_list("pk", flat=True):
        found |= dict.fromkeys(telling.administrators(program))
    return list(found)


def words() -> Words:
    """Say that the test tip was lost, without a link."""
    body = _(
        "The test tip that Tipline sends itself did not arrive in time. A real tip may not reach anybody either.\n\n"
        "Do this now:\n"
        "1. Ask who is on call to look at the page board every few minutes.\n"
        "2. Open “Is it running?” on the console: it says what stands still and what to do.\n"
        "3. Start again what stands still; look at the mail server if nothing does.\n\n"
        "This mail has no link, and a mail with one is not ours. It comes again every hour until a test tip arrives."
    )
    return Words(_("TL watch: the test tip did not arrive"), body)
