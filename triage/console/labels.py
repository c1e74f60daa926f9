"""What codes are called on the pages: categories, languages, channels, ages, references."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.text import get_text_list
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from triage.classify.taxonomy import STAND_ALONE
from triage.models import Channel

CATEGORIES = {
    "school_threat": _("School threat"),
    "self_harm": _("Self-harm"),
    "drugs": _("Drugs"),
    "threat_of_violence": _("Threat of violence"),
    "weapons": _("Weapons"),
    "homicide": _("Homicide"),
    "assault": _("Assault"),
    "robbery": _("Robbery"),
    "break_and_enter": _("Break and enter"),
    "theft": _("Theft and stolen goods"),
    "fraud": _("Fraud"),
    "sexual_offence": _("Sexual offence"),
    "child_abuse": _("Child abuse"),
    "human_trafficking": _("Human trafficking"),
    "domestic_violence": _("Domestic violence"),
    "gang": _("Gang"),
    "wanted_person": _("Wanted person"),
    "arson": _("Arson"),
    "vandalism": _("Vandalism"),
    "bullying": _("Bullying"),
    "impaired_driving": _("Impaired driving"),
    "hate_crime": _("Hate crime"),
    "animal_cruelty": _("Animal cruelty"),
    "elder_abuse": _("Elder abuse"),
    "other": _("Something else"),
    "not_a_tip": _("Not a tip"),
}
LANGUAGES = {
    "tl": _("Tagalog"),
    "yue": _("Cantonese"),
    "am": _("Amharic"),
    "so": _("Somali"),
    "ti": _("Tigrinya"),
    "ht": _("Haitian Creole"),
    "zh": _("Chinese"),
}
CHANNELS = {"web": _("web form"), "api": _("another program"), "phone": _("telephone")}

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def reference(case_id: UUID) -> str:
    """Return six characters people can say and type, e.g. "K4M 9TX": the id's first 30 bits."""
    value = int.from_bytes(case_id.bytes[:4], "big") >> 2
    letters = [CROCKFORD[(value >> shift) & 31] for shift in range(25, -5, -5)]
    return f"{''.join(letters[:3])} {''.join(letters[3:])}"


def ids_of(typed: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last id that people call so; None if it is no reference. O reads 0, I and L read 1."""
    letters = typed.upper().replace(" ", "").replace("-", "").translate(str.maketrans("OIL", "011"))
    if len(letters) != 6 or not set(letters) <= set(CROCKFORD):
        return None
    value = 0
    for letter in letters:
        value = value * 32 + CROCKFORD.index(letter)
    return UUID(int=value << 98), UUID(int=((value + 1) << 98) - 1)


def category(code: str) -> str:
    """Return what people call a category."""
    return str(CATEGORIES.get(code, code.replace("_", " ").capitalize()))


def language(code: str | None) -> str:
    """Return a language's name; empty if nobody knows which it is."""
    if not code:
        return ""
    if code in LANGUAGES:
        return str(LANGUAGES[code])
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code


def age(quarter: datetime | None, now: datetime) -> str:
    """Say how old something is that is known to the quarter hour."""
    if quarter is None:
        return ""
    minutes = int((now - quarter) / timedelta(minutes=1))
    if minutes < 15:
        return now_("a few minutes")
    # It came somewhere within its quarter: the middle is the honest guess.
    minutes -= 7
    if minutes < 90:
        rounded = max(10, round(minutes / 10) * 10)
        return now_("about %(minutes)d minutes") % {"minutes": rounded}
    if minutes < 48 * 60:
        hours = round(minutes / 60)
        return ngettext("about %(hours)d hour", "about %(hours)d hours", hours) % {"hours": hours}
    days = round(minutes / (24 * 60))
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def channels(codes: Iterable[str]) -> str:
    """Name the ways somebody is told, e.g. "SMS and e-mail"."""
    ways = {Channel.SMS: _("SMS"), Channel.EMAIL: _("e-mail"), Channel.VOICE: _("phone")}
    return get_text_list([str(ways[Channel(code)]) for code in codes], str(_("and")))


def categories(codes: Iterable[str]) -> tuple[str, ...]:
    """Return each code once; "other" and "not a tip" only where nothing else is said of the case."""
    once = tuple(dict.fromkeys(codes))
    return tuple(code for code in once if code not in STAND_ALONE) or once[:1]


def countdown(seconds: int) -> str:
    """Return minutes and seconds as "1:20"."""
    return f"{seconds // 60}:{seconds % 60:02d}"
