"""What the address of the board asks for, and which cases fit.

Level and who has it stand in clear; category and language are known to an unlocked session alone, and fit
nothing while it is locked: a board must not say what a tip is about by what it leaves out.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from triage.console import labels, sheet
from triage.console.brief import Brief
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

    @property
    def narrows(self) -> bool:
        """Whether anything but the kind of board is asked for."""
        return bool(self.level or self.who or self.category or self.language)

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


def narrowed(cases: Iterable[Brief], filters: Filters, user: User, known: sheet.Sheet, now: datetime) -> list[Brief]:
    """Return the open cases that are asked for, in the order given."""
    found = list(cases)
    if filters.level:
        found = [case for case in found if case.urgency == filters.level]
    if filters.category:
        found = [case for case in found if case.pk in known and filters.category in known[case.pk].categories]
    if filters.language:
        found = [case for case in found if case.pk in known and filters.language == known[case.pk].language]
    if filters.who:
        fits: Callable[[Brief], bool] = {
            "nobody": lambda case: case.status == CaseStatus.NEW,
            "mine": lambda case: case.taken_by_id == user.pk,
            "waiting": lambda case: case.waiting and not case.unread,
            "due": lambda case: is_due(case, now),
            "unread": lambda case: bool(case.unread),
        }[filters.who]
        found = [case for case in found if fits(case)]
    return found


def closed_ones(cases: QuerySet[Case], filters: Filters, user: User) -> QuerySet[Case]:
    """Narrow closed cases, in the database: by level and by who closed them. Nothing else can be asked of them."""
    if filters.category or filters.language or filters.who not in ("", "mine"):
        return cases.none()
    if filters.level:
        cases = cases.filter(urgency=filters.level)
    return cases.filter(taken_by=user) if filters.who else cases


def is_due(case: Case | Brief, now: datetime) -> bool:
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
