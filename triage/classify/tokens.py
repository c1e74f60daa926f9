"""Cut folded text into words, emoji and sentence ends, and undo common disguises of words."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from triage.classify.folding import Folded

# One alternative per kind of token; the repeated classes never overlap their neighbours, so the
# search is linear. CJK is read character by character; Indic vowel signs belong to their word.
_LETTERS = r"(?:[^\W_\u0900-\u0dff\u3400-\u9fff]+|[\u0900-\u0dff]+)+"
_TOKEN = re.compile(
    r"(?P<plain>[a-z]{2,}+(?: [a-z]{2,}+)*)(?=[ ,.\n]|\Z)"  # most words by far: the next line would find the same
    rf"|(?P<word>{_LETTERS}(?:['@$!*]+{_LETTERS})*)"
    r"|(?P<cjk>[\u3400-\u9fff])"
    r"|(?P<emoji>[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2620])"
    r"|(?P<end>[.!?\u3002\uff01\uff1f\u061f\u06d4\u0964]+|\n+)"
    r"|(?P<quote>\")"
)
_JOINED_ENDINGS = frozenset({"t", "m", "re", "ve", "ll", "d"})
_JOINED_BEFORE_S = frozenset(["it", "he", "she", "that", "there", "what", "who", "let", "here", "where", "how"])
_LEET = str.maketrans("013457@$!8", "oieastasib")
_LOOKALIKE = str.maketrans("авекмнорстухіјѕԁαειικνορτυχ", "abekmhopctyxijsdaeiiknoptux")
"""Cyrillic and Greek letters that pass for Latin ones in a word that is otherwise Latin."""
_REPEAT = re.compile(r"(.)\1{2,}")
_VOWELS = "aeiou"


class Token(NamedTuple):
    """One word (or CJK character, or emoji) with its span in the folded text."""

    text: str
    start: int
    end: int
    sentence: int


def _split_apostrophes(word: str) -> Iterator[tuple[str, int, int]]:
    """Join "don't", drop the possessive s, part "j'ai" and "l'ecole"."""
    if "'" not in word:
        yield word, 0, len(word)
        return
    start = 0
    pieces: list[tuple[str, int, int]] = []
    for piece in word.split("'"):
        end = start + len(piece)
        if pieces and (piece in _JOINED_ENDINGS or (piece == "s" and pieces[-1][0] in _JOINED_BEFORE_S)):
            pieces[-1] = (pieces[-1][0] + piece, pieces[-1][1], end)
        elif piece and not (piece == "s" and pieces):
            pieces.append((piece, start, end))
        start = end + 1
    yield from pieces


def _ends_sentence(mark: str, follows: str) -> bool:
    """A full stop in a number or two or three dots of hesitation end nothing."""
    if mark in ("..", "..."):
        return False
    return mark[0] == "\n" or mark[0] > "\u0080" or not follows or follows in " \n\"')"


def tokenise(folded: Folded) -> list[Token]:
    """Return the tokens of folded text in order, each with the number of its sentence."""
    tokens: list[Token] = []
    text = folded.text
    sentence = 0
    spelled: list[Token] = []
    new = tuple.__new__  # a third of the time of Token(...), and this is most of the work
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        start, end = match.span()
        if kind == "plain":
            if spelled:
                _close_spelled(spelled, tokens, before=None)
            for word in match[0].split(" "):
                end = start + len(word)
                tokens.append(new(Token, (word, start, end, sentence)))
                start = end + 1
        elif kind == "word":
            for word, left, right in _split_apostrophes(match[0]):
                token = Token(word, start + left, start + right, sentence)
                tokens.append(token)
                if len(word) == 1 and (not spelled or token.start - spelled[-1].end == 1):
                    spelled.append(token)
                else:
                    _close_spelled(spelled, tokens, before=token)
                    if len(word) == 1:
                        spelled.append(token)
        elif kind == "end":
            sentence += _ends_sentence(match[0], text[end : end + 1])
        elif kind != "quote":
            tokens.append(Token(match[0], start, end, sentence))
    _close_spelled(spelled, tokens, before=None)
    return tokens


def _close_spelled(spelled: list[Token], tokens: list[Token], *, before: Token | None) -> None:
    """Replace a run of four or more single letters ("k i l l", "g.u.n.s") by the word they spell."""
    count = len(spelled)
    if 4 <= count <= 20:
        word = "".join(token.text for token in spelled)
        tail = 1 if before is not None and tokens[-1] is before else 0
        place = len(tokens) - tail - count
        if tokens[place] is spelled[0]:
            joined = Token(word, spelled[0].start, spelled[-1].end, spelled[0].sentence)
            tokens[place : place + count] = [joined]
    spelled.clear()


def sentence_ends(tokens: Sequence[Token]) -> list[int]:
    """Return for every token where its sentence ends: no phrase of a rule goes beyond."""
    ends: list[int] = []
    for words in Counter([token[3] for token in tokens]).values():
        ends += [len(ends) + words] * words
    return ends


def disguises(word: str) -> Sequence[str]:
    """Return `word` and the plain words it may stand for: k1ll, su*cide, dieeee, Cyrillic lookalikes."""
    length = len(word)
    if length > 40 or (word.isascii() and word.isalpha() and len(set(word)) > length - 2):  # by far the most
        return (word,)
    found = [word]
    if not word.isascii() and any("a" <= char <= "z" for char in word):
        word = word.translate(_LOOKALIKE)
        found.append(word)
    if not word.isalpha() and any(char.isalpha() for char in word) and not word.isdigit():
        plain = word.translate(_LEET)
        if plain != word:
            found.append(plain)
        if word.count("*") == 1:
            found += [word.replace("*", vowel) for vowel in _VOWELS]
        word = plain
    if _REPEAT.search(word):
        found += [_REPEAT.sub(r"\1", word), _REPEAT.sub(r"\1\1", word)]
    return found
