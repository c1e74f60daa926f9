"""A house on the bench: tips are sent into it, pages are timed, and nothing may be missing afterwards."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis

from tests.story.house import House, until
from tests.story.phones import Message, Page, Phones
from tests.story.street import Answer, Street
from tipline.kernel.receipts import Phrase
from tipline.runner.secrets import read

CARRIERS = ("smtp", "gateway", "twilio", "voice")
TEXT = "Dana says she will stab the new boy at Westmoor school today, she showed me the knife, number {}"
QUIET_AFTER_ACK = 2.0


@dataclass
class Finding:
    """What came of a fault: how late the first page was (None: none was due), and what else is worth a line."""

    late: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Sent:
    """A tip with a receipt: when the receipt was there, and the newest message at the time of sending."""

    text: str
    received: float
    before: int
    words: str = ""


@dataclass
class Bench:
    """What every fault is put into."""

    house: House
    full: bool = False
    acknowledged: dict[int, float] = field(default_factory=dict)
    """Page number -> when it was taken, in seconds of the monotonic clock."""

    def __post_init__(self) -> None:
        self.phones, self.street = Phones(self.house), Street(self.house)
        self._numbers = itertools.count(1)
        self._first = 0
        self._pages: list[object] = []
        self._tips = 0

    def seconds(self, short: float, written: float) -> float:
        """How long to keep something up: as the design says in a full run, else short."""
        return written if self.full else short

    def begin(self) -> None:
        """Wait until the house is whole, the carriers behave, and note what is already there."""
        self.house.wait_until_whole()
        self.carriers()
        self._first = self.phones.last()
        self._tips = self._count("intake_tip")
        self._pages = [page for (page,) in self.ask("SELECT id FROM triage_escalation")]
        self.acknowledged.clear()

    def carriers(self, **wrong: str | dict[str, object]) -> None:
        """Tell each carrier how to behave; those not named behave well."""
        wishes = {name: {"mode": "ok"} for name in CARRIERS} | {
            name: wish if isinstance(wish, dict) else {"mode": wish} for name, wish in wrong.items()
        }
        self.phones.misbehave(**wishes)

    def text(self) -> str:
        """An urgent tip that no other of this bench equals."""
        return TEXT.format(next(self._numbers))

    def send(self, text: str | None = None) -> Sent:
        """Press Send until there is a receipt."""
        text, before = text or self.text(), self.phones.last()
        answer = self.street.send_until_received(text, 60)
        return Sent(text, time.monotonic(), before, answer.words)

    def send_once(self, text: str | None = None) -> tuple[Answer, Sent]:
        """Press Send once, whatever comes of it."""
        text, before, nonce = text or self.text(), self.phones.last(), self.street.nonce()
        answer = self.street.send(text, nonce)
        return answer, Sent(text, time.monotonic(), before)

    def first(self, sent: Sent, *, kind: str = "", patience: float = 60.0) -> Message:
        """Wait for the first page after a tip that a carrier took over: by "sms", "mail", "voice", or any."""
        return self.phones.wait_for(
            lambda message: message["accepted"] and is_page(message) and kind in ("", message["kind"]),
            after=sent.before,
            patience=patience,
        )

    def page_number(self, sent: Sent, patience: float = 60.0) -> int:
        """Wait for the page of one tip among many, and return its rolling number."""
        phrase = Phrase.parse(sent.words)
        assert phrase is not None
        lookup = phrase.lookup(pepper=read(self.house.places.secrets, "receipt_pepper").encode())
        asked = (
            "SELECT page.page_number FROM triage_escalation page JOIN intake_receipt receipt"
            " ON receipt.tip_id = page.tip_id WHERE receipt.lookup = %s"
        )
        return int(until(lambda: self.ask(asked, lookup), patience)[0][0])

    def late(self, sent: Sent, message: Message) -> float:
        """Seconds between receipt and page; a page may be faster than the receipt."""
        return max(0.0, float(message["arrived_ns"]) / 1e9 - sent.received)

    def paged(self, *, patience: float = 60.0) -> Finding:
        """Send one tip and wait for its page."""
        sent = self.send()
        return Finding(self.late(sent, self.first(sent, patience=patience)))

    def take(self, sms: Message) -> None:
        """Take a page by its code, as somebody in bed does."""
        page = Page(sms, sms)
        self.phones.take(page)
        self.acknowledged[page.number] = time.monotonic()

    def redis(self) -> redis.Redis:
        """A hand on the broker."""
        return redis.Redis(unix_socket_path=str(self.house.places.redis_socket), socket_timeout=2)

    def ask(self, question: str, *values: object) -> list[tuple]:
        """Ask PostgreSQL as its superuser, who sees every row."""
        return self.house.ask(question, *values)

    @property
    def new(self) -> list[Message]:
        """What has arrived since the fault began."""
        return [message for message in self.phones.messages() if message["id"] > self._first]

    @property
    def duplicates(self) -> int:
        """Messages that came a second time since the fault began."""
        return sum(1 for message in self.new if message["duplicate_of"])

    @contextmanager
    def stopped(self, *names: str) -> Iterator[None]:
        """Stop processes without ending them, for as long as the block lasts."""
        if not names:
            yield
            return
        with self.house.hung(names[0]), self.stopped(*names[1:]):
            yield

    def check(self) -> None:
        """Every tip was assessed, every page was had by somebody or is still due, and who took it had quiet."""
        until(lambda: self.ask("SELECT count(*) FROM intake_due") == [(0,)], 60, pause=0.2)
        lost = self.ask(
            "SELECT page_number FROM triage_escalation page WHERE id <> ALL(%s)"
            " AND NOT EXISTS (SELECT FROM triage_notification note WHERE note.escalation_id = page.id"
            " AND note.state IN ('accepted', 'delivered', 'unknown'))"
            " AND NOT (page.state <> 'ended' AND page.next_at IS NOT NULL)",
            self._pages,
        )
        assert lost == [], f"pages lost: {lost}"
        silent = self.ask(
            "SELECT its.id FROM triage_case its WHERE its.urgency IN ('imminent', 'urgent') AND its.status = 'new'"
            " AND NOT EXISTS (SELECT FROM triage_escalation page WHERE page.case_id = its.id)"
        )
        assert silent == [], f"urgent tips without a page: {silent}"
        untold = self.ask(
            "SELECT note.id FROM triage_notification note WHERE note.state IN ('accepted', 'delivered', 'unknown')"
            " AND NOT EXISTS (SELECT FROM triage_attempt tried WHERE tried.notification_id = note.id)"
            " AND note.lease_until IS NULL AND note.provider <> ''"
        )
        assert untold == [], f"sent, and no attempt on record: {untold}"
        for message in self.new:
            since = self.acknowledged.get(number_of(message) or -1)
            if is_page(message) and since is not None:
                assert message["arrived_ns"] / 1e9 <= since + QUIET_AFTER_ACK, "a page after it was taken"

    def clear(self) -> None:
        """End what still climbs, so that what follows begins with a quiet house; `check` asks no more after it."""
        self._pages = [page for (page,) in self.ask("SELECT id FROM triage_escalation")]
        with self.house.connect() as connection:
            connection.execute(
                "UPDATE triage_escalation SET state = 'ended', next_at = NULL, joins = false WHERE state <> 'ended'"
            )
            stale = "UPDATE triage_notification SET due_at = NULL, state = 'superseded' WHERE due_at IS NOT NULL"
            connection.execute(stale)

    def tips(self) -> int:
        """Tips stored since the fault began."""
        return self._count("intake_tip") - self._tips

    def _count(self, table: str) -> int:
        return int(self.ask(f"SELECT count(*) FROM {table}")[0][0])


def is_page(message: Message) -> bool:
    """Whether a message asks somebody to take a page now."""
    return message["kind"] == "voice" or " NOW. " in message["body"]


def number_of(message: Message) -> int | None:
    """The rolling number in a page, or None."""
    words = message["body"].replace(",", " ").split()
    return next((int(word) for word in words[:3] if word.isdecimal()), None)
