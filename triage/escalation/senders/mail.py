"""The letter a page mail is: one size for all, and nothing in it but the given words."""

import quopri
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr

from triage.escalation.senders.base import Outgoing

SMALLEST = 2048
"""Bytes of the smallest size class; each further one is twice the last."""
LARGEST = 64 * 1024

_ADDRESS = re.compile(r"[!-~]+@[A-Za-z0-9.-]+|[!-~]+@\[[0-9A-Fa-f.:]+\]")
_LINE = 75
_LONGEST_SUBJECT = 200


def compose(message: Outgoing, *, sender: str, now: datetime) -> bytes:
    """The whole mail as it goes over the wire, CRLF line ends, its size a size class.

    The size counts headers and text together: a page about one tip cannot be told from a page
    about another by its length, in transit (under TLS) or in a mailbox. The minute in Date is
    whole. Raises ValueError for an address that no mail server of ours should be asked to reach,
    and for a text larger than the largest class.
    """
    head = {
        "From": formataddr(parseaddr(_one_line(sender))),
        "To": checked_address(message.to),
        "Subject": _header_text(message.subject or ""),
        "Date": format_datetime(now.replace(second=0, microsecond=0)),
        "Message-ID": message_id(message.reference, sender),
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }
    # Lines by hand: nine known headers cost EmailMessage more time than the whole rest of a sending.
    headers = "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode("ascii") + b"\r\n"
    return _padded(headers + _quoted(message.body))


def checked_address(address: str) -> str:
    """The address itself; ValueError unless it is one plain ASCII address of at most 254 characters."""
    if not _ADDRESS.fullmatch(address) or len(address) > 254 or set(address) & set('<>,;:"()\\'):
        raise ValueError("not a plain mail address")
    return address


def message_id(reference: str, sender: str) -> str:
    """The Message-ID of a notification; the same for every sending of it."""
    return f"<{reference}@{domain_of(sender)}>"


def path_of(sender: str) -> str:
    """The bare address of a From value such as "Tipline <page@tips.example>"; ValueError if it has none."""
    return checked_address(parseaddr(sender)[1])


def domain_of(sender: str) -> str:
    """The domain of a From value."""
    return path_of(sender).rpartition("@")[2]


def _one_line(text: str) -> str:
    # Line ends of any script's kind and other controls become blanks: no value can end its header.
    return " ".join("".join(sign if sign.isprintable() else " " for sign in _clean(text)).split())


def _header_text(text: str) -> str:
    line = _one_line(text)[:_LONGEST_SUBJECT]
    return line if line.isascii() else Header(line, "utf-8").encode(linesep="\r\n")


def _clean(text: str) -> str:
    # A lone surrogate or NUL must not stop a page.
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _quoted(text: str) -> bytes:
    plain = "\n".join(_clean(text).splitlines()) + "\n"
    quoted = quopri.encodestring(plain.encode())
    # A line that begins with a dot would grow on the wire, where it is doubled.
    return re.sub(rb"(?m)^\.", b"=2E", quoted).replace(b"\n", b"\r\n")


def _padded(letter: bytes) -> bytes:
    size = SMALLEST
    # The last line end takes two bytes, the shortest line of padding three.
    while size < len(letter) + 2 + 3:
        size *= 2
    if size > LARGEST:
        raise ValueError("too large for a page")
    full, rest = divmod(size - len(letter) - 2, _LINE)
    lines = [_LINE] * full + ([rest] if rest else [])
    if 0 < rest < 3 and full:
        lines[-2:] = [_LINE - 3, rest + 3]
    # Blanks before a soft line break: to the reader one empty line, however many there are.
    return letter + b"".join(b" " * (length - 3) + b"=\r\n" for length in lines) + b"\r\n"
