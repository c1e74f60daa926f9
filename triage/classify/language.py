"""Say in which languages a text is written, as far as the rules can read them."""

from collections import Counter
from collections.abc import Sequence

from triage.classify.lexicon import Language, Lexicon
from triage.classify.tokens import Token

_LATIN = "latin"
SHARE = 0.12
"""The least share of a text's words that must be common words of a language for it to be that language."""


def script_of(char: str) -> str | None:
    """Return the script of one folded character, as far as the rules know scripts."""
    if char.isascii():
        return _LATIN if char.isalpha() else None
    point = ord(char)
    if 0x3400 <= point <= 0x9FFF:
        return "han"
    if 0x0600 <= point <= 0x06FF:
        return "arabic"
    if 0x0400 <= point <= 0x04FF:
        return "cyrillic"
    if 0x0A00 <= point <= 0x0A7F:
        return "gurmukhi"
    if char.isalpha():
        return _LATIN if point < 0x0250 else "unknown"
    return None


def languages_of(tokens: Sequence[Token], lexicon: Lexicon, hint: str | None) -> list[Language]:
    """Return the languages to read a text in, the likeliest first; none if it cannot be read."""
    words = [token.text for token in tokens if token.text[0].isalpha()]
    if not words:
        return []
    counts = Counter(words)
    votes: dict[str, float] = {}
    for code, language in lexicon.languages.items():
        known = language.common
        votes[code] = sum(count for word, count in counts.items() if word in known) / len(words)
    best = max(votes.values(), default=0.0)
    found = [code for code, vote in votes.items() if vote >= SHARE and vote >= best / 4]
    found.sort(key=lambda code: -votes[code])
    if hint is not None:
        code = hint.split("-")[0].lower()
        if code in votes and code not in found:
            found.append(code)
    return [lexicon.languages[code] for code in found]
