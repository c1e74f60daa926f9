"""Pass phrases and one-time codes: six words, made by us, never chosen."""

import re
import secrets
import unicodedata

from tipline.kernel.receipts import word_list

WORDS = 6
LONGEST = 200  # characters looked at; a phrase of ours is at most 59


def generate() -> str:
    """Return six words with spaces between them: 77 bits, below Argon2id and a pepper."""
    return " ".join(secrets.choice(word_list()) for _ in range(WORDS))


def tidy(typed: str) -> str:
    """Read a phrase as people type it: any case, any spaces, dots or commas between the words."""
    folded = unicodedata.normalize("NFKC", typed[:LONGEST]).casefold()
    return " ".join(re.findall(r"[^\s.,;/|]+", re.sub(r"[‐‑–—]", "-", folded)))
