"""Finding a word in a heap of bytes, in whatever form a program may have put it there."""

import base64
import json
import re
from collections.abc import Iterable
from itertools import pairwise
from urllib.parse import quote, quote_plus

SHORTEST = 5
"""Characters. Shorter words occur in random bytes by chance; they are searched with their neighbours."""


def needles(*sentences: str) -> list[str]:
    """The longer words of these sentences, every two neighbours, and the sentences themselves."""
    found: dict[str, None] = {}
    for sentence in sentences:
        parts = re.findall(r"[\w']+", sentence)
        pairs = [f"{first} {second}" for first, second in pairwise(parts)]
        long = [part for part in parts if len(part) >= SHORTEST]
        found |= dict.fromkeys([*long, *(pair for pair in pairs if len(pair) > SHORTEST), sentence])
    return list(found)


def forms(word: str) -> dict[str, bytes]:
    """Each form a word is looked for in: name to bytes."""
    plain = word.encode()
    found = {
        "raw": plain,
        "hex": plain.hex().encode(),
        "hex in capitals": plain.hex().upper().encode(),
        "UTF-16, little end first": word.encode("utf-16-le"),
        "UTF-16, big end first": word.encode("utf-16-be"),
        "reversed": plain[::-1],
    }
    if quote(word) != word:
        found["in an address"] = quote(word).encode()
        found["in a form"] = quote_plus(word).encode()
        found["in JSON"] = json.dumps(word)[1:-1].encode()
    for shift in range(3):
        for name, encode in (("base64", base64.b64encode), ("urlsafe base64", base64.urlsafe_b64encode)):
            found[f"{name}, shifted by {shift}"] = _inner(encode, plain, shift)
    return found


def heap(content: bytes) -> bytes:
    """The content, and once more what stands in it as hex: a dump writes binary fields so."""
    decoded = [bytes.fromhex(run.decode()) for run in re.findall(rb"(?:[0-9a-f]{2}){8,}", content)]
    return content + b"\0" + b"\0".join(decoded)


def search(content: bytes, words: Iterable[str]) -> list[str]:
    """What of these words stands in the content, and in which form; also in capitals and without."""
    heaped = heap(content)
    found = []
    for word in words:
        for spelling in dict.fromkeys((word, word.lower(), word.upper(), word.capitalize())):
            found += [f"{spelling!r} in {form}" for form, needle in forms(spelling).items() if needle in heaped]
    return found


def _inner(encode: object, plain: bytes, shift: int) -> bytes:
    """The characters of base64 that belong to this text alone, when `shift` bytes stand before it in its group."""
    assert callable(encode)
    whole: bytes = encode(b"\0" * shift + plain)
    first = -(-shift * 8 // 6)
    last = (shift + len(plain)) * 8 // 6
    return whole[first:last]
