"""What we promise beside the button, made from the settings in force: sentence by sentence, each with a name.

tests/intake/test_promise.py says which test proves which sentence, and that none stands without one.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from intake.models import Program

Say = Callable[[Program], str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One promise. `say` returns nothing where the program's settings make it untrue or needless."""

    name: str
    say: Say


def _address(program: Program) -> str:
    # The public door refuses to start where a setting would make this untrue.
    return _("This site does not keep your internet address, your phone type or the minute you wrote.")


def _readers(program: Program) -> str:
    return ngettext(
        "After that %(readers)d person at %(name)s can open them.",
        "After that %(readers)d people at %(name)s can open them.",
        program.readers,
    ) % {"readers": program.readers, "name": program.name}


def _police(program: Program) -> str:
    return _("One of them is a police officer.") if program.police_reader else ""


def _insiders(program: Program) -> str:
    return _("What is about somebody in the police, the school or this program goes to other people, if you say so.")


def _identity(program: Program) -> str:
    if not program.identity_allowed:
        return ""
    if program.identity_needs_two:
        return _("If you write your name, two people must agree before it is looked at, and it stays on record.")
    return _("If you write your name, nobody looks at it without a written reason that stays on record.")


PARAGRAPHS: tuple[tuple[Sentence, ...], ...] = (
    (
        Sentence("no name", lambda program: _("We do not ask who you are.")),
        Sentence("no trace", _address),
        Sentence("sealed", lambda program: _("Your words are locked before they are stored.")),
    ),
    (
        Sentence(
            "read here",
            lambda program: _("A program on our own server reads them first, to decide if somebody must be woken."),
        ),
        Sentence("readers", _readers),
        Sentence("police", _police),
        Sentence("insiders", _insiders),
        Sentence("identity", _identity),
        Sentence(
            "passed on",
            lambda program: _(
                "They pass on what is needed to act, in other words, so that it should not point to you."
            ),
        ),
    ),
    (
        Sentence(
            "the law",
            lambda program: _(
                "If a child is being hurt or a judge orders it, they may have to pass on what we have. "
                "We cannot give what we never had."
            ),
        ),
    ),
)
NOT_FROM: tuple[Sentence, ...] = (
    Sentence("your phone", lambda program: _("someone who checks your phone")),
    Sentence("your network", lambda program: _("a school or work device or network")),
    Sentence("what you know", lambda program: _("things only you could know")),
    Sentence("your name", lambda program: _("your name, if you write it.")),
)


def paragraphs(program: Program) -> list[str]:
    """The paragraphs of the promise, in the language in force."""
    return [" ".join(filter(None, (each.say(program) for each in part))) for part in PARAGRAPHS]


def not_from(program: Program) -> list[str]:
    """What we cannot protect from."""
    return [each.say(program) for each in NOT_FROM]


def sentences() -> Iterator[Sentence]:
    """Every sentence there is."""
    for part in PARAGRAPHS:
        yield from part
    yield from NOT_FROM


def digest(program: Program) -> str:
    """What changes when the promise does: SHA-256 of its English text, as 64 hex digits."""
    with override("en"):
        said = "\n".join([*paragraphs(program), *not_from(program)])
    return hashlib.sha256(said.encode()).hexdigest()
