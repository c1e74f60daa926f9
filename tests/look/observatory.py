"""The score of the HTTP Observatory, computed offline from what a door answers.

Source: mdn/mdn-http-observatory, src/grader/charts.js (2025): 100, minus what is wrong; from 90 on, plus what is better
than asked for. Left out are the two that only a scan from outside can know: certificates, and the list of preloaded
hosts (5 more). That plain HTTP is redirected is the proxy's part, and tested with the compose file.
"""

import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

from tests.look.pages import Page

SIX_MONTHS = 15_768_000
ENOUGH_FOR_BONUS = 90
PRIVATE = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
UNSAFE_REFERRER = {"origin", "origin-when-cross-origin", "unsafe-url", "no-referrer-when-downgrade"}
BROAD = {"*", "http:", "https:", "ftp:", "data:", "blob:"}


@dataclass(frozen=True)
class Answer:
    """What a door said: names of headers in lower case, one value each; cookies as they were set."""

    headers: dict[str, str]
    cookies: list[str] = field(default_factory=list)
    html: str = ""


def score(answer: Answer) -> tuple[int, dict[str, int]]:
    """Return the score and what each test changed of it."""
    found = {
        "content-security-policy": _policy(answer),
        "cookies": _cookies(answer),
        "cross-origin-resource-sharing": -50 if answer.headers.get("access-control-allow-origin") else 0,
        "cross-origin-resource-policy": _resource_policy(answer),
        "referrer-policy": _referrer(answer),
        "strict-transport-security": _transport(answer),
        "subresource-integrity": _integrity(answer),
        "x-content-type-options": 0 if answer.headers.get("x-content-type-options", "").lower() == "nosniff" else -5,
        "x-frame-options": _frames(answer),
    }
    total = 100 + sum(change for change in found.values() if change < 0)
    if total >= ENOUGH_FOR_BONUS:
        total += sum(change for change in found.values() if change > 0)
    return max(0, total), found


def directives(answer: Answer) -> dict[str, set[str]]:
    """The content security policy, taken apart."""
    parts = [part.split() for part in answer.headers.get("content-security-policy", "").lower().split(";")]
    return {part[0]: set(part[1:]) for part in parts if part}


def _policy(answer: Answer) -> int:
    policy = directives(answer)
    if not policy:
        return -25
    default = policy.get("default-src", {"*"})
    scripts, styles = policy.get("script-src", default), policy.get("style-src", default)
    objects = policy.get("object-src", default)
    if scripts & (BROAD | {"'unsafe-inline'"}) or objects & BROAD:
        return -20
    if "'unsafe-eval'" in scripts | styles:
        return -10
    if styles & (BROAD | {"'unsafe-inline'"}):
        return 0
    forms = policy.get("form-action", set())
    return 10 if default == {"'none'"} and forms and forms <= {"'none'", "'self'"} else 5


def _cookies(answer: Answer) -> int:
    if not answer.cookies:
        return 0
    worst = 5
    for line in answer.cookies:
        for name, morsel in SimpleCookie(line).items():
            session = bool(re.search("sess|login|auth|unlock", name, re.IGNORECASE))
            if not morsel["secure"]:
                worst = min(worst, -40 if session else -20)
            if session and not morsel["httponly"]:
                worst = min(worst, -30)
            if "csrf" in name.lower() and not morsel["samesite"]:
                worst = min(worst, -20)
            if not morsel["samesite"]:
                worst = min(worst, 0)
            elif morsel["samesite"].lower() not in {"lax", "strict"}:
                worst = min(worst, -20)
    return worst


def _resource_policy(answer: Answer) -> int:
    given = answer.headers.get("cross-origin-resource-policy")
    known = {None: 0, "cross-origin": 0, "same-origin": 10, "same-site": 10}
    return known.get(given, -5)


def _referrer(answer: Answer) -> int:
    given = answer.headers.get("referrer-policy")
    if given is None:
        return 0
    return 5 if given in PRIVATE else -5


def _transport(answer: Answer) -> int:
    found = re.search(r"max-age=(\d+)", answer.headers.get("strict-transport-security", ""))
    if not found:
        return -20
    return 0 if int(found[1]) >= SIX_MONTHS else -10


def _integrity(answer: Answer) -> int:
    if "html" not in answer.headers.get("content-type", ""):
        return 0
    scripts = [script for script in Page(answer.html).all("script") if script.attributes.get("src")]
    foreign = [one for one in scripts if not re.match(r"/(?!/)", str(one.attributes["src"]))]
    if foreign:
        return -50
    return 5 if scripts and all(one.attributes.get("integrity") for one in scripts) else 0


def _frames(answer: Answer) -> int:
    ancestors = directives(answer).get("frame-ancestors")
    if ancestors and not ancestors & BROAD:
        return 5
    return 0 if answer.headers.get("x-frame-options", "").upper() in {"DENY", "SAMEORIGIN"} else -20
