"""docs/permissions.md, made from the table in force."""

from collections.abc import Iterator
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver

from triage.console.permissions import RULES, About, Rule
from triage.console.requests import whom
from triage.models import Role
from triage.vault.roles import GIVES, IDENTITY_TOO, MAIN

PAGE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
URLS = "tipline.urls_console"

INTRODUCTION = """\
# Who may do what

Made from `triage/console/permissions.py` and `triage/vault/roles.py` by `scripts/manage permissions --write`; a test
fails when it is not current.

What does not stand here opens for nobody. `G` is looking (GET), `P` is acting (POST). The table says who gets in at
the door of a page. What they then find is narrower:

- **Tips**: coordinators and supervisors see those of their own program that are not about the police, the school or
  the program; oversight people see only those. A tip one may not see looks like one that never was, and is in no
  count.
- **A program**: the people and keys of the program one is in. Somebody in two programs turns from one to the other,
  and is in each what they are there.
- **Oneself**: one's own sessions, words and factors, and nobody else's.

A role opens a page; only a key opens a tip. Who holds no key for tips reads none, whatever stands in the database.
"""
TITLES = {
    About.TIPS: "Tips",
    About.A_PROGRAM: "A program",
    About.ONESELF: "Oneself",
    About.THE_DOOR: "The door, before anybody is signed in",
}
NEEDS = {
    "": "both factors",
    "anyone": "nothing",
    "pass phrase only": "the six words",
    "passkey alone": "both factors, or a passkey alone",
    "unlocked": "unlocked",
    "just unlocked": "the six words within five minutes",
}


def page() -> str:
    """Return the whole text."""
    needed = {name: NEEDS[needs] for name, needs in views()}
    parts = [INTRODUCTION]
    for about, title in TITLES.items():
        lines = [
            f"| `{name.removeprefix('console:')}` | {rule.what} | {needed[name]} | "
            + " | ".join(_cell(rule, role) for role in Role)
            + " |"
            for name, rule in RULES.items()
            if rule.about is about and name in needed
        ]
        head = ["view", "what it is for", "needs", *(str(role.label) for role in Role)]
        parts.append(f"## {title}\n\n{_table(head, lines)}")
    parts.append(f"## Keys, and who lets whom in\n\n{_roles()}")
    return "\n".join(parts)


def views() -> Iterator[tuple[str, str]]:
    """Every view of the console's door, by name, with what it needs; the developer's page is not one."""
    for name, pattern in _walk(get_resolver(URLS).url_patterns, ""):
        yield name, whom(pattern.callback)


def addresses() -> Iterator[tuple[str, set[str]]]:
    """Every view by name, with what its address names."""
    for name, pattern in _walk(get_resolver(URLS).url_patterns, ""):
        yield name, set(pattern.pattern.converters)


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, URLPattern]]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, f"{before}{each.namespace}:" if each.namespace else before)
        elif each.name != "styleguide":
            yield f"{before}{each.name}", each


def _cell(rule: Rule, role: Role) -> str:
    return ("G" if role in rule.look else "") + ("P" if role in rule.act else "") or " "


def _roles() -> str:
    lines = []
    for role in Role:
        main = MAIN[role]
        holds = f"{main.label}" if main else "none"
        if role in IDENTITY_TOO:
            holds += "; submitter details if the inviter says so"
        given = ", ".join(str(each.label) for each in GIVES[role]) or "nobody"
        lines.append(f"| {role.label} | {holds} | {given} |")
    return _table(["role", "key", "lets in, lets go, gives a new code to"], lines)


def _table(head: list[str], lines: list[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]) + "\n"
