"""The unlocked key between two requests: sealed in the session, its key in a cookie that is stored nowhere.

Django keeps session ids in clear in its table, so that whoever can read the table holds every
session. What opens the sealed key is only in the browser: `__Host-unlock`, gone with the browser.
"""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken

from .keys import Unlocked

COOKIE = "__Host-unlock"
ABSOLUTE = timedelta(hours=12)
FRESH = timedelta(minutes=5)
_UNLOCKED, _HIDDEN, _SINCE, _SEEN, _PROVED = "unlocked", "hidden", "since", "seen", "proved"


def _minute(now: datetime) -> int:
    return int(now.timestamp()) // 60


def _place(owner: UUID, field: str) -> sealing.Place:
    return sealing.Place(owner, owner, f"session-{field}")


NOBODY = UUID(int=0)


def put(request: HttpRequest, unlocked: Unlocked, *, now: datetime) -> None:
    """Keep an opened key for the requests that follow, from this minute on."""
    place = _place(unlocked.user_id, _UNLOCKED)
    request.session[_UNLOCKED] = _text(sealing.seal(unlocked.seed, key=_key(request), place=place))
    request.session[_SEEN] = request.session[_PROVED] = _minute(now)
    begin(request, now=now)


def begin(request: HttpRequest, *, now: datetime) -> None:
    """Count the absolute limit from here, unless it runs already."""
    request.session.setdefault(_SINCE, _minute(now))


def words_given(request: HttpRequest) -> bool:
    """Whether the pass phrase was typed in this session; without, it was begun by a passkey alone."""
    return _PROVED in request.session


def is_fresh(request: HttpRequest, *, now: datetime) -> bool:
    """Whether the pass phrase was typed just now: who changes how one signs in must be the person."""
    proved = request.session.get(_PROVED)
    return proved is not None and _minute(now) - proved < FRESH // timedelta(minutes=1)


def take(request: HttpRequest, user_id: UUID) -> Unlocked | None:
    """Open the key this session keeps for this person; None without the cookie, or if anything was changed."""
    blob, key = request.session.get(_UNLOCKED), _cookie_key(request)
    if blob is None or key is None:
        return None
    try:
        return Unlocked(user_id, sealing.unseal(_bytes(blob), key=key, place=_place(user_id, _UNLOCKED)))
    except (SealBroken, ValueError):
        return None


def drop(request: HttpRequest) -> None:
    """Lock: forget the key, here and in the browser."""
    for name in (_UNLOCKED, _HIDDEN, _SEEN):
        request.session.pop(name, None)
    _state(request)["key"] = None
    _state(request)["drop"] = True


def hide(request: HttpRequest, name: str, text: str) -> None:
    """Keep a short secret that is being set up (a pass phrase, a one-time code) as the key is kept."""
    hidden = dict(request.session.get(_HIDDEN, {}))
    hidden[name] = _text(sealing.seal(text.encode(), key=_key(request), place=_place(NOBODY, name)))
    request.session[_HIDDEN] = hidden


def shown(request: HttpRequest, name: str) -> str | None:
    """Return what `hide` kept under this name; None if this browser cannot open it."""
    blob, key = request.session.get(_HIDDEN, {}).get(name), _cookie_key(request)
    if blob is None or key is None:
        return None
    try:
        return sealing.unseal(_bytes(blob), key=key, place=_place(NOBODY, name)).decode()
    except (SealBroken, ValueError):
        return None


def forget(request: HttpRequest, *names: str) -> None:
    """Drop what `hide` kept under these names."""
    hidden = request.session.get(_HIDDEN, {})
    request.session[_HIDDEN] = {name: blob for name, blob in hidden.items() if name not in names}


def is_over(request: HttpRequest, *, now: datetime) -> bool:
    """Whether this session has reached its absolute end."""
    since = request.session.get(_SINCE)
    return since is not None and _minute(now) - since >= ABSOLUTE // timedelta(minutes=1)


def is_idle(request: HttpRequest, *, now: datetime) -> bool:
    """Whether nobody has done anything with the unlocked key for too long."""
    seen = request.session.get(_SEEN)
    # More than, in whole minutes: never before the page itself has covered what it shows.
    return seen is not None and _minute(now) - seen > settings.UNLOCKED_IDLE_MINUTES


def started_minute(data: dict[str, Any]) -> int | None:
    """Return the minute a stored session began, counted from 1970."""
    found: int | None = data.get(_SINCE)
    return found


def touch(request: HttpRequest, *, now: datetime) -> None:
    """Note that a person did something, to the minute."""
    if _UNLOCKED in request.session and request.session.get(_SEEN) != _minute(now):
        request.session[_SEEN] = _minute(now)


def write_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Hand the browser the key made in this request, or take it away."""
    state = _state(request)
    if key := state.get("new"):
        response.set_cookie(COOKIE, _text(key), secure=True, httponly=True, samesite="Strict", path="/")
    elif state.get("drop") and COOKIE in request.COOKIES:
        response.set_cookie(COOKIE, "", max_age=0, secure=True, httponly=True, samesite="Strict", path="/")


def renew(request: HttpRequest) -> None:
    """Let what is kept next be kept under a new key: a sign-in never takes over a browser's old one."""
    for name in (_HIDDEN, _SINCE, _PROVED):
        request.session.pop(name, None)
    request.session.set_expiry(None)
    _state(request)["key"] = None


def _key(request: HttpRequest) -> bytes:
    key = _cookie_key(request)
    if key is None:
        key = sealing.new_data_key()
        _state(request).update(key=key, new=key, drop=False)
    return key


def _cookie_key(request: HttpRequest) -> bytes | None:
    state = _state(request)
    if "key" not in state:
        try:
            key = _bytes(request.COOKIES.get(COOKIE, ""))
        except ValueError:
            key = b""
        state["key"] = key if len(key) == sealing.KEY_SIZE else None
    found: bytes | None = state["key"]
    return found


def _state(request: HttpRequest) -> dict[str, Any]:
    state: dict[str, Any] = request.__dict__.setdefault("_unlock_state", {})
    return state


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii"))
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError from None
