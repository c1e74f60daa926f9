"""What the address of the board asks for, and which cases fit.

Level and who has it stand in clear; category and language are known to an unlocked session alone, and fit
nothing while it is locked: a board must not say what a tip is about by what it leaves out.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from triage.console import labels, sheet
from triage.models import Case, CaseStatus, Urgency, User

WHO = ("nobody", "mine", "waiting", "due", "unread")


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of the board asks for."""

    level: str = ""
    who: str = ""  # one of WHO
    category: str = ""
    language: str = ""
    closed: bool = False
    page: int = 1

    @classmethod
    def of(cls, asked: dict[str, str]) -> "Filters":
        """Read an address; what makes no sense in it counts as not asked."""
        level, who, page = asked.get("level", ""), asked.get("who", ""), asked.get("page", "1")
        category, language = asked.get("category", ""), asked.get("language", "")
        return cls(
            level if level in Urgency.values else "",
            who if who in WHO else "",
            category if category in labels.CATEGORIES else "",
            language if len(language) <= 10 and language.isascii() and language.isalpha() else "",
            asked.get("show") == "closed",
            int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
        )

    def query(self, **changed: str) -> str:
        """Return the address of the same board with something changed, without the page."""
        parts = {
            "level": self.level,
            "who": self.who,
            "category": self.category,
            "language": self.language,
            "show": "closed" if self.closed else "",
            **changed,
        }
        return "&".join(f"{name}={value}" for name, value in parts.items() if value)


@dataclass(frozen=True, slots=True)
class Choices:
    """Categories and languages of the tips on the board: code, name, how many."""

    categories: list[tuple[str, str, int]]
    languages: list[tuple[str, str, int]]


def fits(case: Case, filters: Filters, user: User, known: sheet.Sheet, now: datetime) -> bool:
    """Whether a case is asked for."""
    if filters.level and case.urgency != filters.level:
        return False
    facets = known.get(case.pk)
    if filters.category and (facets is None or filters.category not in facets.categories):
        return False
    if filters.language and (facets is None or facets.language != filters.language):
        return False
    return {
        "nobody": case.status == CaseStatus.NEW,
        "mine": case.taken_by_id == user.pk,
        "waiting": case.waiting and not case.unread,
        "due": is_due(case, now),
        "unread": bool(case.unread),
    }.get(filters.who, True)


def is_due(case: Case, now: datetime) -> bool:
    """Whether somebody wanted to look at it again by now."""
    return case.look_again_at is not None and case.look_again_at <= now


def choices(known: sheet.Sheet, filters: Filters) -> Choices:
    """Return what can be chosen, the most frequent first; what is chosen stays even when nothing has it."""
    categories = Counter(code for facets in known.values() for code in facets.categories)
    languages = Counter(facets.language for facets in known.values() if facets.language)
    categories.update({filters.category: 0} if filters.category else {})
    languages.update({filters.language: 0} if filters.language else {})
    return Choices(
        [(code, labels.category(code), n) for code, n in categories.most_common()],
        [(code, labels.language(code), n) for code, n in languages.most_common()],
    )
