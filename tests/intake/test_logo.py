"""A program's logo: only a small picture gets in, nothing but the picture comes out, and all are of one length."""

import struct
import zlib
from hashlib import shake_128

import pytest
from hypothesis import given
from hypothesis import strategies as some

from intake import logo
from intake.channels import whose
from intake.models import Logo

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def part(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def header(width=4, height=3, depth=8, kind=2, interlaced=0) -> bytes:
    return part(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))


ROWS = b"".join(b"\x00" + b"\x10\x20\x30" * 4 for _ in range(3))
END = part(b"IEND", b"")


def png(*, head: bytes | None = None, rows: bytes = ROWS, more: bytes = b"", end: bytes = END) -> bytes:
    return SIGNATURE + (header() if head is None else head) + more + part(b"IDAT", zlib.compress(rows)) + end


def names_in(picture: bytes) -> list[bytes]:
    at, found = len(SIGNATURE), []
    while at < len(picture):
        length, name = struct.unpack_from(">I4s", picture, at)
        found.append(name)
        at += 12 + length
    assert at == len(picture)
    return found


def test_a_picture_comes_out_alone_and_as_long_as_every_other():
    place = (
        part(b"tEXt", b"Author\x00Ann Example") + part(b"eXIf", b"45.5N 73.6W") + part(b"tIME", b"\x07\xea\x0b\x1c" * 2)
    )

    made, width, height = logo.cleaned(png(more=place) + b"<script>after the end</script>")

    assert (width, height, len(made)) == (4, 3, logo.SIZE)
    assert names_in(made) == [b"IHDR", b"IDAT", b"paDd", b"IEND"]
    for left in (b"Ann", b"45.5N", b"script"):
        assert left not in made
    assert logo.cleaned(made) == (made, width, height)


def test_a_picture_of_few_colours_keeps_its_list_of_them():
    rows = (b"\x00" + bytes(2)) * 3
    made, _, _ = logo.cleaned(
        png(head=header(kind=3, depth=4), rows=rows, more=part(b"PLTE", b"\x01\x02\x03") + part(b"tRNS", b"\x00"))
    )

    assert names_in(made) == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"paDd", b"IEND"]


NOISE = b"".join(b"\x00" + shake_128(bytes([row])).digest(1500) for row in range(150))
UNFIT = {
    "nothing": b"",
    "no PNG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "a JPEG": b"\xff\xd8\xff\xe0" + bytes(300),
    "too long a file": png(more=part(b"tEXt", bytes(600_000))),
    "a broken part": png()[:-3] + b"xyz",
    "no end": png(end=b""),
    "a part that says it is longer": png(end=b"\xff\xff\xff\xff" + END[4:]),
    "no header": png(head=b""),
    "a short header": png(head=part(b"IHDR", bytes(5))),
    "two headers": png(more=header()),
    "a part nobody knows": png(more=part(b"EVIL", b"")),
    "too wide": png(head=header(width=logo.WIDEST + 1)),
    "too high": png(head=header(height=logo.HIGHEST + 1)),
    "a billion pixels": png(head=header(width=2**31 - 1, height=2**31 - 1)),
    "no pixels": png(head=header(width=0)),
    "16 bits": png(head=header(depth=16)),
    "a kind there is not": png(head=header(kind=5)),
    "interlaced": png(head=header(interlaced=1)),
    "fewer rows than it says": png(rows=ROWS[:-1]),
    "a bomb": png(rows=bytes(50_000_000)),
    "rows that were not packed": SIGNATURE + header() + part(b"IDAT", b"not packed") + END,
    "a filter there is not": png(rows=b"\x05" + ROWS[1:]),
    "a palette that is none": png(head=header(kind=3), rows=(b"\x00" + bytes(4)) * 3, more=part(b"PLTE", b"12")),
    "no palette where one is needed": png(head=header(kind=3), rows=(b"\x00" + bytes(4)) * 3),
    "more than fits": png(head=header(width=500, height=150), rows=NOISE),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_is_no_small_picture_is_refused(name):
    with pytest.raises(logo.Unfit):
        logo.cleaned(UNFIT[name])


@given(some.binary(max_size=200), some.integers(0, 200), some.booleans())
def test_whatever_comes_is_refused_in_plain_words_or_is_a_picture(noise, at, whole):
    given_ = noise if whole else png()[:at] + noise + png()[at + len(noise) :]
    try:
        said = logo.cleaned(given_)[0]
    except logo.Unfit as refused:
        said = str(refused).encode()

    assert said.endswith(b".") or len(said) == logo.SIZE


@pytest.mark.django_db
def test_the_form_alone_shows_it_and_needs_it_for_nothing(street, lakeside):
    without = street.get("/p/lakeside/").content.decode()
    made, width, height = logo.cleaned(png())
    Logo.objects.create(program=lakeside, png=made, width=width, height=height)
    whose.forget()

    shown = street.get("/p/lakeside/").content.decode()
    picture = street.get("/p/lakeside/logo.png")

    tag = '<img src="/p/lakeside/logo.png" alt="" width="2" height="2">'
    assert tag in shown
    assert tag not in without
    assert picture.content == made
    assert (picture["Content-Type"], picture["Cache-Control"]) == ("image/png", "no-store")
    assert picture["X-Content-Type-Options"] == "nosniff"
    assert street.get("/logo.png").status_code == 404
    assert "logo" not in street.get("/p/lakeside/answers/").content.decode()
    assert "<img" not in street.get("/").content.decode()
