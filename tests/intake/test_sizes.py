"""Who watches the network, or has the stored rows, learns only which class of size something falls into."""

import json
import re
import secrets
import zlib

import pytest
from django.test import Client

from intake import actions
from intake.models import Reply, Tip
from tests.runner.conftest import ROOT
from tipline import sizes
from tipline.kernel.sealing import SIZE_CLASSES

OVERHEAD = 2 + 12 + 16  # version and suite, nonce, tag
SMALLEST = sizes.PAGES[0]


@pytest.fixture
def words(send) -> str:
    return " ".join(send("They sell pills behind the rink").phrase.words)


def looked(street: Client, words: str) -> bytes:
    return street.post("/answers/", {"phrase": words}).content


@pytest.mark.parametrize("path", ["/", "/answers/", "/noted/", "/leave/", "/nowhere/"])
def test_every_page_of_the_public_door_is_as_long_as_every_other(street: Client, program, path):
    said = street.get(path)

    assert len(said.content) == SMALLEST
    assert said.headers["Content-Length"] == str(SMALLEST)


def test_receipt_and_conversation_are_as_long_as_the_form(street: Client, words):
    nonce = re.search(r'name="nonce" value="([^"]+)"', street.get("/").content.decode())[1]  # type: ignore[index]
    receipt = street.post("/", {"nonce": nonce, "text": "They sell pills behind the rink, he said"})

    assert "We have your message." in receipt.content.decode()
    assert len(receipt.content) == len(looked(street, words)) == SMALLEST


def test_a_refusal_is_as_long_as_an_answer(street: Client, words):
    nobodys = " ".join([*words.split()[1:], "cabbage"])

    assert len(looked(street, nobodys)) == len(looked(street, words))


def test_how_many_answers_there_are_and_how_long_shows_in_classes_only(street: Client, words):
    tip = Tip.objects.get()
    seen = {len(looked(street, words))}
    for length in (1, 40, 400, 1500):
        actions.reply(tip, "a" * length)
        seen.add(len(looked(street, words)))

    assert seen == {SMALLEST}
    actions.reply(tip, "a" * 9000)
    assert len(looked(street, words)) == sizes.PAGES[1]


def test_the_api_answers_in_classes_too_and_stays_readable(street: Client, words):
    tip = Tip.objects.get()
    seen = set()
    for text in ("Yes.", "Which entrance does he usually come through?"):
        actions.reply(tip, text)
        said = street.get("/api/v1/conversation/", headers={"Tipline-Receipt": words})
        assert json.loads(said.content)["replies"][-1] == text
        seen.add(len(said.content))
    seen.add(len(street.get("/api/v1/conversation/", headers={"Tipline-Receipt": "wrong words"}).content))

    assert seen == {sizes.VALUES[0]}


@pytest.mark.parametrize("length", [0, 1, 16_370, 16_373, 16_374, 16_375, 16_384, 131_072, 131_073, 500_000])
def test_padding_fits_for_every_length(length):
    padded = sizes.padded_page(b"a" * length)

    assert len(padded) in sizes.PAGES or len(padded) % sizes.PAGES[-1] == 0
    assert padded.startswith(b"a" * length)
    assert padded.endswith(b" -->\n")


def test_padding_is_the_same_for_everybody_and_cannot_be_packed_away():
    short, longer = sizes.padded_page(b"page"), sizes.padded_page(b"page" * 1000)

    assert short == sizes.padded_page(b"page")
    # Hex has half a byte in each, so it is packed to half at best, and the two do not come apart by what was added.
    assert abs(len(zlib.compress(short)) - len(zlib.compress(longer))) < len(b"page" * 1000)
    assert len(zlib.compress(short)) > sizes.PAGES[0] * 0.45


@pytest.mark.parametrize("path", ["/", "/answers/", "/api/v1/program/"])
def test_nothing_of_the_public_door_is_compressed_where_a_secret_could_stand(street: Client, program, path):
    said = street.get(path, headers={"accept-encoding": "gzip, deflate, br, zstd"})

    assert "Content-Encoding" not in said.headers
    assert "encode" not in re.findall(r"\w+", (ROOT / "docker-compose.yml").read_text())
    assert "GZip" not in (ROOT / "tipline" / "settings.py").read_text()


@pytest.mark.parametrize("length", [1, 100, 460, 700, 5_000, 40_000])
def test_what_is_stored_of_a_tip_shows_its_class_only(send, tip_of, length):
    tip = tip_of(send("a" * length, name="Al" if length % 200 else ""))
    actions.reply(tip, "b" * length)

    stored = [tip.sealed, tip.sealed_identity, Reply.objects.get().sealed]
    assert [len(bytes(blob)) - OVERHEAD in SIZE_CLASSES for blob in stored] == [True] * 3


def test_two_tips_of_one_class_are_equally_long_in_every_column(send, tip_of):
    short, longer = tip_of(send("He is here")), tip_of(send("He is here with two friends", name="Marguerite"))

    for column in ("sealed", "sealed_identity"):
        assert len(bytes(getattr(short, column))) == len(bytes(getattr(longer, column)))
    assert secrets.compare_digest(bytes(short.sealed), bytes(longer.sealed)) is False
