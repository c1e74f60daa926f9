"""Answers of the public door in few sizes, so that who watches the network learns less from how long they are.

Form, receipt, empty and short conversation are one size. Nothing is compressed: a secret stands in them, and what an
attacker could have repeated beside it would show in the length.
"""

import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

PAGES = (16_384, 32_768, 65_536, 131_072)
"""Bytes of a page. What is larger is rounded up to the next multiple of the last."""
VALUES = (2_048, 8_192, 32_768, 131_072)
"""Bytes of an answer of the API."""

_BEGIN, _END = b"\n<!-- ", b" -->\n"
# The same for everybody, and without any pattern: as long as it is, also where something on the way packs it.
_FILLER = hashlib.shake_128(b"tipline-padding").hexdigest(PAGES[-1] // 2).encode()


def size_class(length: int, classes: tuple[int, ...]) -> int:
    """Return the smallest of the classes that holds so many bytes."""
    last = classes[-1]
    return next((size for size in classes if length <= size), -(-length // last) * last)


def padded_page(content: bytes) -> bytes:
    """Return a page with a comment behind it that says nothing."""
    room = size_class(len(content) + len(_BEGIN) + len(_END), PAGES) - len(content) - len(_BEGIN) - len(_END)
    return content + _BEGIN + _FILLER[:room] + _END


def padded_value(content: bytes) -> bytes:
    """Return JSON with blanks behind it, which mean nothing."""
    return content.ljust(size_class(len(content), VALUES))


class Sizes:
    """Pad what the public door answers."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        kind = response.get("Content-Type", "")
        if response.streaming or not response.content or request.method == "HEAD":
            return response
        if kind.startswith("text/html"):
            response.content = padded_page(response.content)
        elif kind.startswith(("application/json", "application/problem+json")):
            response.content = padded_value(response.content)
        else:
            return response
        response.headers["Content-Length"] = str(len(response.content))
        return response
