"""What a page says. Never a word of the tip, never a link, and one size for all."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

SMS_LIMIT = 160


class Words(NamedTuple):
    """What is said, by mail and, where somebody is to wake up, by SMS."""

    subject: str
    body: str
    sms: str = ""


@dataclass(frozen=True, slots=True)
class Storm:
    """What a digest counts: open pages, separate events among them, seconds the first of them waits."""

    pages: int
    events: int
    longest: float


def sms_page(number: int, code: str, seconds: float) -> str:
    """Ask to take a page. Shorter than 160 characters for every number people see."""
    return _(
        "TL %(number)d NOW. Nobody has this yet. Open your page board. On it? Reply %(number)d %(code)s. "
        "No reply: next person in %(minutes)d min. We never text links or ask for passwords."
    ) % {"number": number, "code": code, "minutes": minutes(seconds)}


def mail_page(number: int, seconds: float) -> tuple[str, str]:
    """Return subject and text of the same page as an e-mail; the mail itself is padded to one size."""
    body = _(
        "Page %(number)d, NOW. Nobody has taken it yet.\n\n"
        "Open your page board from your home screen or bookmark; this mail has no link, and a mail with "
        "one is not ours.\n\n"
        "If you cannot, do nothing: the next person is called in %(minutes)d min.\n\n"
        "Do not reply or forward."
    ) % {"number": number, "minutes": minutes(seconds)}
    return _("TL page %(number)d") % {"number": number}, body


def voice_page(number: int) -> str:
    """Ask to take a page, on the telephone. The number is said digit by digit: "2 7"."""
    return _(
        "Page %(number)s, now. Nobody has it. To take it, key your own four digits and hash. To pass it on, press 9."
    ) % {"number": " ".join(str(number))}


def voice_goodbye() -> str:
    """What is said when nothing was keyed, or anything: the door that hears keys cannot judge them."""
    return _("Your page board shows who has it. Goodbye.")


def sms_drill(number: int, code: str) -> str:
    """Ask whether this telephone wakes its person."""
    return _(
        "TL %(number)d TEST. A drill, no tip. Reply %(number)d %(code)s so we know this phone wakes you. "
        "We never text links or ask for passwords."
    ) % {"number": number, "code": code}


def voice_drill(number: int) -> str:
    """Ask the same in a call."""
    return _(
        "Test %(number)s. A drill, no tip. Key your own four digits and hash, so we know this phone wakes you."
    ) % {"number": " ".join(str(number))}


def mail_drill(number: int) -> tuple[str, str]:
    """Return subject and text of the same, as an e-mail."""
    body = _(
        "Test %(number)d. A drill, no tip.\n\n"
        "Pages will come like this. Say at your page board, under How you are called, that it came.\n\n"
        "This mail has no link, and a mail with one is not ours. Do not reply or forward."
    ) % {"number": number}
    return _("TL test %(number)d") % {"number": number}, body


def sms_digest(storm: Storm) -> str:
    """Count what is open, where several pages are of one event. Numbers stand in places of one width."""
    return _(
        "TL: %(pages)3d pages open, %(events)2d separate events, longest wait %(minutes)2d min. Open your page board. "
        "A new event still pages by itself. We never text links or ask for passwords."
    ) % _counts(storm)


def mail_digest(storm: Storm) -> tuple[str, str]:
    """Return subject and text of the same, as an e-mail."""
    body = _(
        "%(pages)3d pages are open, %(events)2d separate events, longest wait %(minutes)2d min.\n\n"
        "Open your page board from your home screen or bookmark; this mail has no link, and a mail with "
        "one is not ours.\n\n"
        "A new event still pages by itself.\n\n"
        "Do not reply or forward."
    ) % _counts(storm)
    return _("TL pages open"), body


def _counts(storm: Storm) -> dict[str, int]:
    return {
        "pages": min(999, storm.pages),
        "events": min(99, storm.events),
        "minutes": min(99, max(1, math.ceil(storm.longest / 60))),
    }


def sms_taken(number: int) -> str:
    """Tell the taker what happens now."""
    return _(
        "TL %(number)d: yours. Open it and press Next step within 5 min, or it goes on to the next person. "
        "Cannot? Reply %(number)d PASS."
    ) % {"number": number}


def mail_taken(number: int) -> tuple[str, str]:
    """Return subject and text of the same, as an e-mail."""
    body = _(
        "Page %(number)d is yours.\n\n"
        "Open it and press Next step within 5 min, or it goes on to the next person.\n\n"
        "Cannot? Press Pass on at the page board. Do not reply or forward."
    ) % {"number": number}
    return _("TL page %(number)d") % {"number": number}, body


def watch_alarm(kinds: int) -> Words:
    """Return the watcher's alarm: something of Tipline itself stands still."""
    body = _(
        "Tipline may not be paging: %(kinds)d of its own checks failed.\n\n"
        "Do this now, if you are on call:\n"
        "1. Open your page board from your home screen or bookmark and take every tip that waits there.\n"
        "2. Call whoever runs the server: a part of Tipline stands still and must be started again.\n"
        "3. Look at the board again every few minutes until these messages stop.\n\n"
        "This mail has no link, and a mail with one is not ours. It comes again every 5 min until it is mended. "
        "Pages that wait are sent when it runs again, the oldest first."
    ) % {"kinds": kinds}
    sms = _(
        "TL WATCH: Tipline may not be paging. Open your page board, take what waits, then call whoever runs the "
        "server. We never text links or ask for passwords."
    )
    return Words(_("TL watch: look at your page board"), body, sms)


def unread_alarm(count: int) -> Words:
    """Return what supervisors are told of tips that nobody has opened for half a day."""
    body = ngettext(
        "%(count)d tip has waited for 12 hours or more, and nobody has opened it.\n\n"
        "Open your page board from your home screen or bookmark and read it, or ask who is on call to.\n\n"
        "This mail has no link, and a mail with one is not ours. It comes again every 12 hours.",
        "%(count)d tips have waited for 12 hours or more, and nobody has opened them.\n\n"
        "Open your page board from your home screen or bookmark and read them, or ask who is on call to.\n\n"
        "This mail has no link, and a mail with one is not ours. It comes again every 12 hours.",
        count,
    ) % {"count": count}
    return Words(_("TL watch: tips nobody has opened"), body)


def minutes(seconds: float) -> int:
    """Return whole minutes, one digit: a text of another length would tell pages apart."""
    return min(9, max(1, math.ceil(seconds / 60)))
