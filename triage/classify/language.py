"""Say in which languages a text is written, as far as the rules can read them."""

from collections import Counter
from collections.abc import Sequence

from triage.classify.lexicon import Language, Lexicon
from triage.classify.tokens import Token

MOST_LANGUAGES = 3
FEW_WORDS = 6
"""So short a text may have no common word at all; then the languages whose rules find something count."""

OWN_WORDS = 2
"""Words of a strange language that no readable one has: one may be a name, or slang."""
FEW_HEARD = 3
"""So few small words of a language may be another one's."""


def words_of(tokens: Sequence[Token]) -> list[str]:
    """Return the words of a text, without numbers and emoji."""
    return [token[0] for token in tokens if token[0][0].isalpha()]


def languages_of(tokens: Sequence[Token], lexicon: Lexicon, hint: str | None) -> list[Language]:
    """Return the languages to read a text in, the likeliest first; none if it cannot be read."""
    words = words_of(tokens)
    if not words:
        return []
    counts = Counter(words)
    heard = dict.fromkeys(lexicon.languages, 0)
    for word in counts.keys() & lexicon.speakers.keys():
        for code in lexicon.speakers[word]:
            heard[code] += counts[word]
    if _is_strange(counts, heard, lexicon):
        return []
    votes = {code: count / len(words) for code, count in heard.items()}
    best = max(votes.values(), default=0.0)
    found = [code for code, vote in votes.items() if vote >= lexicon.languages[code].share and vote >= best / 4]
    found.sort(key=lambda code: -votes[code])
    del found[MOST_LANGUAGES:]
    if hint is not None:
        code = hint.split("-")[0].lower()
        if code in votes and code not in found:
            found.append(code)
    if not found and len(words) <= FEW_WORDS:
        found = [code for code, language in lexicon.languages.items() if language.phrases.find(tokens)]
    return [lexicon.languages[code] for code in found]


def _is_strange(counts: Counter[str], heard: dict[str, int], lexicon: Lexicon) -> bool:
    """Whether a text has more small words and letters of a language nobody can read than words of any that is read."""
    most = max(heard.values(), default=0)
    strange: Counter[str] = Counter({"": 0})
    alone: Counter[str] = Counter()
    for word in counts.keys() & lexicon.strangers.keys():
        for code in lexicon.strangers[word]:
            strange[code] += counts[word]
            alone[code] += word not in lexicon.speakers
    # Words with a strange letter speak for any of them; not against a plain sentence that stands beside them.
    letters, known = lexicon.strange_letters, lexicon.strangers
    odd = sum(not letters.isdisjoint(word) and word not in known for word in counts) if most <= FEW_HEARD else 0
    return any(count + odd > most and (most == 0 or alone[code] + odd >= OWN_WORDS) for code, count in strange.items())
