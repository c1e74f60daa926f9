"""What everything that could betray a sender is marked with, and how a mark is found again.

Every mark begins with one of two stems that no program, dictionary or protocol has: one plain, and one that
programs must write otherwise in addresses, JSON and memory. Addresses are marks by themselves.
"""

from dataclasses import dataclass
from itertools import pairwise

from tests.anonymity.finding import Finder
from tests.story.searching import forms

PLAIN = "qzvexil"
ACCENTED = "žůqvěxň"
STEMS = (PLAIN, ACCENTED)

# Where the sender comes from: addresses of this machine, and what a proxy might have said of it.
SOURCES = ("127.0.0.77", "127.0.0.78", "127.77.0.79")
FORWARDED = ("203.0.113.177", "203.0.113.178", "2001:db8:77::177", "198.51.100.179")
ADDRESSES = (*SOURCES, *FORWARDED)


def mark(kind: str) -> str:
    """A word that says what was marked: text, name, agent, …"""
    return f"{PLAIN}{kind}"


def sentence(kind: str, words: str) -> str:
    """Words as people write them, with both stems in their midst."""
    half = len(words) // 2
    at = words.find(" ", half) if " " in words[half:] else len(words)
    return f"{words[:at]} {mark(kind)} and {ACCENTED}{kind}{words[at:]}"


def headers() -> dict[str, str]:
    """Every header that could name a sender, marked."""
    return {
        "X-Forwarded-For": f"{FORWARDED[0]}, {FORWARDED[1]}",
        "Forwarded": f'for="[{FORWARDED[2]}]";host={mark("forwardedhost")}.example;proto=https',
        "X-Real-IP": FORWARDED[3],
        "X-Forwarded-Host": f"{mark('xhost')}.example",
        "Via": f"1.1 {mark('via')}",
        "User-Agent": f"Mozilla/5.0 ({mark('agent')}; U) {mark('engine')}/1.0",
        "Referer": f"https://{mark('referrer')}.example/{mark('refpath')}?{mark('refquery')}=1",
        "Accept-Language": f"en;q=0.5, x-{mark('language')};q=0.9",
        "Cookie": f"session={mark('cookie')}; {mark('cookiename')}=1",
        "Sec-CH-UA": f'"{mark("brand")}";v="9"',
        "X-Client-Data": mark("clientdata"),
    }


@dataclass(frozen=True)
class Hit:
    """A mark that stood where none may stand."""

    where: str
    what: str
    around: str
    fragment: bool = False
    """The beginning of a mark, without what it says: its kind was overwritten."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} in “{self.around}”"


class Search:
    """Finds every mark, and whatever else may be nowhere (`secrets`), in any form."""

    def __init__(self, *secrets: str) -> None:
        needles = {}
        for word in (*STEMS, *ADDRESSES, *secrets):
            needles |= {f"{word} ({form})": needle for form, needle in _forms(word).items()}
        self._finder = Finder(needles)

    def find(self, content: bytes, where: str) -> list[Hit]:
        """Each form found, once, with what stands around it."""
        found: dict[str, Hit] = {}
        for name, at, length in self._finder.find(content):
            in_longer_number = name.startswith(ADDRESSES) and content[at + length : at + length + 1].isdigit()
            if (name not in found or found[name].fragment) and not in_longer_number:
                fragment = (
                    name.startswith(STEMS)
                    and name.endswith("(raw)")
                    and not content[at + length : at + length + 1].isalnum()
                )
                found[name] = Hit(where, name, _around(content, at, length), fragment)
        return list(found.values())


def phrase_marks(words: str) -> tuple[str, ...]:
    """What would give a receipt away: any two of its words beside each other, as they are typed and sent."""
    pairs = [(first, second) for first, second in pairwise(words.split()) if len(first) + len(second) > 9]
    return tuple(f"{first}{between}{second}" for first, second in pairs[:2] for between in (" ", "+"))


def _forms(word: str) -> dict[str, bytes]:
    found = forms(word)
    if word in ADDRESSES:
        # What digits look like in base64 or backwards says little; hex and wide characters are enough.
        return {name: needle for name, needle in found.items() if name in {"raw", "hex"} or "16" in name}
    for spelling in {word.upper(), word.capitalize()} - {word}:
        found[f"as {spelling}"] = spelling.encode()
    return found


def _around(content: bytes, at: int, length: int) -> str:
    shown = content[max(0, at - 24) : at + length + 24]
    return shown.decode("ascii", "replace").replace("\ufffd", "·").replace("\0", "·")
