"""What an answer must not confirm: names and numbers that stand in the tip.

Whoever finds the seven words reads our answers and never the tip. "Does Marcus still have it?" would tell
them what was written. A hint, not a wall: the writer may have to say it all the same.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from intake.message import Message

LONGEST = 20_000
"""Characters of one message that are looked at; a longer one is hardly a name."""
MOST = 60
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_NUMBER = re.compile(r"\d[\d:.,/-]*\d|\d")
# Ends a sentence, so that the word after it is capital for that reason.
_STOPS = frozenset('.!?\n:;•-“"(')
# Short facts: every longer word in them is a hint, written large or small.
_FACTS = ("people", "vehicle", "place", "time", "school")
SHORTEST = 4


def of(messages: Iterable[Message], *, known: Iterable[str] = ()) -> list[str]:
    """Return what of these messages an answer should not repeat; `known` are words anybody may say."""
    found: dict[str, str] = {}
    free = {each.casefold() for text in known for each in _WORD.findall(text)}
    for message in messages:
        text = message.text[:LONGEST]
        for each in (*_names(text), *_numbers(text)):
            found.setdefault(each.casefold(), each)
        for name in _FACTS:
            said = getattr(message, name)
            for each in (*_numbers(said), *(word for word in _WORD.findall(said) if len(word) >= SHORTEST)):
                found.setdefault(each.casefold(), each)
    return [each for folded, each in found.items() if folded not in free][:MOST]


def repeated(answer: str, hints: Iterable[str]) -> list[str]:
    """Return the hints that an answer repeats, whole words only, large or small."""
    words = {each.casefold() for each in (*_WORD.findall(answer), *_numbers(answer))}
    return [each for each in hints if each.casefold() in words]


def _numbers(text: str) -> list[str]:
    # One digit alone ("1 gun") says nothing that could be recognised.
    return [each.strip(".,:/-") for each in _NUMBER.findall(text) if sum(c.isdigit() for c in each) >= 2]


def _names(text: str) -> list[str]:
    """Find words written with a capital where the language does not ask for one."""
    matches = list(_WORD.finditer(text))
    names = [
        after.group() for before, after in pairwise(matches) if _is_name(text[before.end() : after.start()], after)
    ]
    return [each for each in names if len(each) > 1]


def _is_name(between: str, word: re.Match[str]) -> bool:
    said = word.group()
    return said[0].isupper() and not said.isupper() and said != "I" and not set(between) & _STOPS
