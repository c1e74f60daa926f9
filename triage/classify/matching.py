"""Find the phrases of the rules in a list of tokens, in work that grows only with the text.

A phrase is words in order. `kill*` is a beginning, `gun|knife` a choice (`live|wake_up` has a choice
of two words), `<weapon>` a named list of words, `word?` may be missing, `..` lets up to three words
pass and `...` up to eight. A phrase never runs across the end of a sentence. There are no regular
expressions here to blow up.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple
from weakref import WeakSet

from triage.classify.folding import fold_plain
from triage.classify.remembered import Remembered
from triage.classify.tokens import Token, disguises, sentence_ends

GAPS = {"..": 3, "...": 8}
STEPS_PER_START = 256
"""No word may begin more than this many steps of search, whatever the text repeats."""
FREE_STEPS = 20_000
STEPS_PER_WORD = 4
FRUGAL_STEPS = 4
"""A text that has used up its free steps and these per word (real tips never do) goes on frugally."""
WINDOW = 24
"""In a flood, a word followed by the same 23 words as before is not searched again."""
REPEATS_PER_RULE = 6
"""A rule found this often in one text says nothing more by being found again."""


class PhraseError(ValueError):
    """A phrase in a rule file cannot be read."""


class Node:
    """A place in the tree of phrases: what may follow, at once or after a gap."""

    __slots__ = ("ends", "gaps", "next")

    def __init__(self) -> None:
        self.next: dict[str, Node] = {}
        self.gaps = _NO_GAPS
        self.ends: tuple[int, ...] = ()

    def after(self, symbol: str) -> "Node":
        """Return the place that this symbol leads to."""
        found = self.next.get(symbol)
        if found is None:
            found = self.next[symbol] = Node()
        return found

    def beyond(self, width: int) -> "Node":
        """Return the place that lies behind a gap of up to so many words."""
        found = self.gaps.get(width)
        if found is None:
            found = Node()
            self.gaps = {**self.gaps, width: found}
        return found


class Hit(NamedTuple):
    """Rule number `rule` was found in tokens `first` up to, not including, `stop`."""

    rule: int
    first: int
    stop: int


_NO_GAPS: Mapping[int, Node] = {}
"""Thousands of places have none, and what is not made need not be looked through for garbage."""


class Start:
    """Where the phrases that begin with a word go on from, and what tells soon that none of them does."""

    __slots__ = ("at_once", "later", "nodes", "reach", "whole")

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        gaps = [gap for node in nodes for gap in node.gaps.items()]
        self.nodes = nodes
        self.whole = any(node.ends for node in nodes)
        self.at_once = frozenset(chain.from_iterable(node.next for node in nodes))
        self.later = frozenset(chain.from_iterable(beyond.next for _, beyond in gaps))
        self.reach = max((width + 1 for width, _ in gaps), default=1)

    def goes_on(self, following: Sequence[Iterable[str]]) -> bool:
        """Say whether any phrase may go on with what follows within reach. Most do not, and need not be followed."""
        if not following:
            return False
        if not self.at_once.isdisjoint(following[0]):
            return True
        return bool(self.later) and not self.later.isdisjoint(chain.from_iterable(following))


_NO_SYMBOLS: Mapping[str, None] = {}
_NO_START = Start(())


def _spread(element: str, phrase: str) -> Sequence[str]:
    """Part Chinese into characters, as the text is parted; a choice is between single characters."""
    if not any("\u3400" <= char <= "\u9fff" for char in element):
        return [element]
    if "|" in element:
        if any(len(choice) > 1 for choice in element.rstrip("?").split("|")):
            raise PhraseError(f"choices between Chinese words are written as phrases of their own: {phrase!r}")
        return [element]
    return list(element)


_BOOKS: "WeakSet[Phrasebook]" = WeakSet()


def forget() -> None:
    """Forget the words looked up so far, in every language that was read."""
    for book in list(_BOOKS):
        book.known.clear()
        book._starts.clear()


class Phrasebook:
    """All phrases of one language, compiled."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self._root = Node()
        self._exact: dict[str, list[str]] = {}
        self._prefixes: dict[str, list[str]] = {}
        self._lengths: dict[str, list[int]] = {}  # by first letter, how long the known beginnings are
        self._classes = {name: fold_plain(words).split() for name, words in classes.items()}
        self._elements: set[str] = set()
        self.known = Remembered(self._known)
        self._starts = Remembered(Start)  # words that begin the same phrases share it
        _BOOKS.add(self)

    def add(self, phrase: str, rule: int) -> None:
        """Add one folded phrase for rule number `rule`. Raises PhraseError if it cannot be read."""
        elements: Sequence[str] = phrase.split()
        if not phrase.isascii():
            elements = [part for element in elements for part in _spread(element, phrase)]
        if not elements or elements[0] in GAPS or elements[-1] in GAPS:
            raise PhraseError(f"a phrase must begin and end with a word: {phrase!r}")
        self._add(self._root, elements, rule, phrase)

    def _add(self, node: Node, elements: Sequence[str], rule: int, phrase: str) -> None:
        for place, element in enumerate(elements, start=1):
            if element in self._elements:  # as most are, and then it is neither a gap nor may be missing
                node = node.after(element)
                continue
            if element in GAPS:
                node = node.beyond(GAPS[element])
                continue
            symbol = element.removesuffix("?")
            if symbol != element:
                self._add(node, elements[place:], rule, phrase)
            if "_" in symbol:  # some of the choices are several words
                choices = symbol.split("|")
                single = "|".join(choice for choice in choices if "_" not in choice)
                for choice in [single, *(choice for choice in choices if "_" in choice)]:
                    if choice:
                        self._add(node, [*choice.split("_"), *elements[place:]], rule, phrase)
                return
            self._learn(symbol, phrase)
            node = node.after(symbol)
        if node is self._root:
            raise PhraseError(f"every word may be missing: {phrase!r}")
        node.ends += (rule,)

    def _learn(self, symbol: str, phrase: str) -> None:
        """Note which words satisfy an element of a phrase."""
        if symbol in self._elements:
            return
        self._elements.add(symbol)
        words: list[str] = []
        for choice in symbol.split("|"):
            if not choice.startswith("<"):
                words.append(choice)
            elif choice.strip("<>") in self._classes:
                words += self._classes[choice.strip("<>")]
            else:
                raise PhraseError(f"no such list of words: {choice} in {phrase!r}")
        for word in words:
            table, key = (self._prefixes, word[:-1]) if word.endswith("*") else (self._exact, word)
            known = table.get(key)
            if known is None:
                self._meet(table, key, symbol)
            elif known[-1] != symbol:  # a choice may name a word twice; no other symbol can have come between
                known.append(symbol)

    def _meet(self, table: dict[str, list[str]], key: str, symbol: str) -> None:
        """Note a word, or a beginning, that no phrase had before."""
        if not key:
            raise PhraseError("a word is missing")
        table[key] = [symbol]
        if table is self._prefixes:
            lengths = self._lengths.setdefault(key[:1], [])
            if len(key) not in lengths:
                lengths.append(len(key))
                lengths.sort()

    def _known(self, text: str) -> tuple[Mapping[str, None], Start]:
        """Everything in the phrases that a word satisfies, as a set that keeps its order, and what begins with it."""
        found: list[str] = []
        for word in disguises(text):
            found += self._exact.get(word, ())
            for length in self._lengths.get(word[:1], ()):
                if length > len(word):
                    break
                found += self._prefixes.get(word[:length], ())
        if not found:
            return _NO_SYMBOLS, _NO_START
        symbols = dict.fromkeys(found)
        root = self._root.next
        return symbols, self._starts[tuple([root[symbol] for symbol in symbols if symbol in root])]

    def find(self, tokens: Sequence[Token]) -> list[Hit]:
        """Return where the phrases stand, in order of their first word."""
        words = [self.known[token[0]] for token in tokens]
        symbols = [satisfied for satisfied, _ in words]
        ends = sentence_ends(tokens)
        counts: dict[int, int] = {}
        hits: list[Hit] = []
        used = 0
        seen: set[tuple[int, ...]] = set()
        for first, (_, start) in enumerate(words):
            if not start.nodes:
                continue
            limit = STEPS_PER_START
            if used > FREE_STEPS:
                window = (
                    tokens[first].sentence == tokens[first - 1].sentence,
                    *map(id, symbols[first : first + WINDOW]),
                )
                if window in seen:
                    continue
                seen.add(window)
                if used > FREE_STEPS + STEPS_PER_WORD * first:
                    limit = FRUGAL_STEPS
            following, end = symbols[first + 1 : first + 1 + start.reach], ends[first]
            del following[end - first - 1 :]
            if start.whole or start.goes_on(following):
                used += self._walk(start.nodes, first, limit, end, symbols, counts, hits)
            else:
                used += min(len(start.nodes), limit)
        return hits

    def _walk(
        self,
        starting: Sequence[Node],
        first: int,
        limit: int,
        end: int,
        symbols: Sequence[Mapping[str, None]],
        counts: dict[int, int],
        hits: list[Hit],
    ) -> int:
        """Follow all phrases from one word, not beyond `end`, and return the number of steps that took."""
        stack = [(node, first + 1) for node in starting]
        before, steps = len(hits), 0
        while stack and steps < limit:
            steps += 1
            node, place = stack.pop()
            for rule in node.ends:
                if counts.get(rule, 0) < REPEATS_PER_RULE and all(hit.rule != rule for hit in hits[before:]):
                    counts[rule] = counts.get(rule, 0) + 1
                    hits.append(Hit(rule, first, place))
            if place >= end:
                continue
            if node.next:
                _follow(node.next, place, symbols[place], stack)
            for width, beyond in node.gaps.items():
                for passed in range(place, min(place + width + 1, end)):
                    _follow(beyond.next, passed, symbols[passed], stack)
        return steps


def _follow(children: Mapping[str, Node], place: int, here: Mapping[str, None], stack: list[tuple[Node, int]]) -> None:
    """Go on with every child that the word at `place` satisfies."""
    if len(children) < len(here):
        for symbol, child in children.items():
            if symbol in here:
                stack.append((child, place + 1))
    else:
        for symbol in here:
            if symbol in children:
                stack.append((children[symbol], place + 1))
