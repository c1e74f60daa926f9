"""A program's logo: a small PNG, checked part by part, rid of everything but its picture, and of one length.

No picture library reads what comes: a PNG is a list of parts with a checksum each, and one packed block of rows. What
is kept is written anew from those, so no name, place or comment that a drawing program left in it is published.
"""

import struct
import zlib

SIZE = 8_192
"""Bytes of every logo as it is stored and sent: how long it is must not tell a network which program somebody reads."""
LARGEST_FILE = 64 * SIZE
WIDEST, HIGHEST = 512, 160
"""Pixels. It is shown at half of them, so that it fits a small phone and is sharp on a good one."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: {1, 2, 4, 8}, 2: {8}, 3: {1, 2, 4, 8}, 4: {8}, 6: {8}}
_FILTERS = 5
_FRAME = 12  # bytes of a part beside its contents: length, name, checksum


class Unfit(Exception):
    """Not a picture that a page shows; says why in plain words."""


def cleaned(given: bytes) -> tuple[bytes, int, int]:
    """Return the picture written anew, exactly SIZE bytes long, and its width and height. Raises Unfit.

    Source: Portable Network Graphics, third edition (W3C), 5 and 11.
    """
    if len(given) > LARGEST_FILE:
        raise Unfit("It is too large a file.")
    parts = _parts(given)
    width, height, row = _measured(parts.get(b"IHDR", b""))
    rows = _unpacked(parts.get(b"IDAT", b""), (row + 1) * height)
    if any(rows[at] >= _FILTERS for at in range(0, len(rows), row + 1)):
        raise Unfit("Its rows cannot be read.")
    colours = parts.get(b"PLTE", b"")
    if len(colours) % 3 or len(colours) > 768 or (parts[b"IHDR"][9] == 3) != bool(colours):
        raise Unfit("Its list of colours cannot be read.")
    kept = [(b"IHDR", parts[b"IHDR"]), (b"PLTE", colours), (b"tRNS", parts.get(b"tRNS", b"")[:256])]
    made = _SIGNATURE + b"".join(_part(name, body) for name, body in kept if body)
    made += _part(b"IDAT", zlib.compress(rows, 9))
    end = _part(b"IEND", b"")
    room = SIZE - len(made) - len(end) - _FRAME
    if room < 0:
        raise Unfit(f"It is {-room} bytes too large. Make it smaller, or of fewer colours.")
    # "paDd": a part of nobody's, which every reader passes over.
    return made + _part(b"paDd", bytes(room)) + end, width, height


def _parts(given: bytes) -> dict[bytes, bytes]:
    """Take a PNG apart; the blocks of rows become one."""
    if not given.startswith(_SIGNATURE):
        raise Unfit("It is no PNG.")
    found: dict[bytes, bytes] = {}
    at, name = len(_SIGNATURE), b""
    while name != b"IEND":
        if len(given) < at + _FRAME:
            raise Unfit("It ends too soon.")
        length, name = struct.unpack_from(">I4s", given, at)
        body, checksum = given[at + 8 : at + 8 + length], given[at + 8 + length : at + _FRAME + length]
        if checksum != zlib.crc32(name + body).to_bytes(4, "big"):
            raise Unfit("A part of it is broken.")
        if name in found and name != b"IDAT":
            raise Unfit("It has a part twice.")
        if name[0] & 0x20 == 0 and name not in {b"IHDR", b"PLTE", b"IDAT", b"IEND"}:
            raise Unfit("It has a part that nobody knows.")
        found[name] = found.get(name, b"") + body
        at += _FRAME + length
    return found


def _measured(header: bytes) -> tuple[int, int, int]:
    """Return width, height and the bytes of a row."""
    if len(header) != struct.calcsize(">IIBBBBB"):
        raise Unfit("It does not say how large it is.")
    width, height, depth, kind, packing, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    if not (0 < width <= WIDEST and 0 < height <= HIGHEST):
        raise Unfit(f"It is {width} by {height} pixels; at most {WIDEST} by {HIGHEST} fit.")
    if depth not in _DEPTHS.get(kind, ()) or packing or filtering:
        raise Unfit("Its colours are of a kind that is not taken; 8 bits for each are.")
    if interlaced:
        raise Unfit("It is interlaced; save it without.")
    return width, height, (width * _SAMPLES[kind] * depth + 7) // 8


def _unpacked(packed: bytes, expected: int) -> bytes:
    """Unpack the rows, and never more than they can be."""
    reader = zlib.decompressobj()
    try:
        rows = reader.decompress(packed, expected + 1)
    except zlib.error:
        raise Unfit("Its rows cannot be read.") from None
    if len(rows) != expected:
        raise Unfit("It has not as many rows as it says.")
    return rows


def _part(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + zlib.crc32(name + body).to_bytes(4, "big")
