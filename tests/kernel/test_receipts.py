"""The receipt: seven words or seven numbers for one secret."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline.kernel import wraps
from tipline.kernel.receipts import LIST_SIZE, Phrase, word_list

phrases = st.builds(Phrase, st.tuples(*[st.integers(0, LIST_SIZE - 1)] * 7))
PEPPER = b"p" * 64


def test_the_word_list_is_the_effs_long_list():
    dice = ("".join(throw) for throw in itertools.product("123456", repeat=5))
    published = "".join(f"{throw}\t{word}\n" for throw, word in zip(dice, word_list(), strict=True))

    # The digest of eff_large_wordlist.txt as the EFF publishes it.
    assert (
        hashlib.sha256(published.encode()).hexdigest()
        == "addd35536511597a02fa0a9ff1e5284677b8883b83e986e43f15a3db996b903e"
    )


@given(phrases, st.sampled_from([" ", ", ", "\n", "  ", ". ", " - ", "_"]))
def test_words_are_read_as_people_type_them(phrase, between):
    typed = between.join(phrase.words)

    assert Phrase.parse(typed) == Phrase.parse(typed.upper()) == phrase


@given(phrases, st.sampled_from([" ", ", ", "-", "\n", "/"]))
def test_numbers_are_read_as_people_type_them(phrase, between):
    assert Phrase.parse(between.join(phrase.numbers)) == phrase


def test_numbers_are_read_in_other_scripts_digits():
    phrase = Phrase((0, 1, 2, 3, 4, 5, 7775))
    arabic = " ".join(phrase.numbers).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))

    assert Phrase.parse(arabic) == phrase


@given(phrases)
def test_words_and_numbers_can_be_mixed(phrase):
    mixed = [*phrase.words[:3], *phrase.numbers[3:]]

    assert Phrase.parse(" ".join(mixed)) == phrase


@given(phrases)
def test_every_number_has_four_digits(phrase):
    assert all(len(number) == 4 for number in phrase.numbers)


@pytest.mark.parametrize("hyphened", ["t-shirt", "T-SHIRT", "tshirt", "t‑shirt", "t’shirt"])
def test_hyphened_words_are_read_with_and_without(hyphened):
    place = word_list().index("t-shirt")

    assert Phrase.parse(f"{hyphened} abacus abacus abacus abacus abacus abacus") == Phrase((place, *[0] * 6))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "abacus",
        "abacus " * 6,
        "abacus " * 8,
        "qqqq " * 7,
        "0999 " * 7,
        "8776 " * 7,
        "\ud800",
        "a" * 10**6,
    ],
)
def test_what_is_not_seven_places_is_nothing(typed):
    assert Phrase.parse(typed) is None


@given(st.text(max_size=400))
def test_anything_typed_is_read_or_is_nothing(typed):
    found = Phrase.parse(typed)

    assert found is None or len(found.places) == 7


@given(phrases)
def test_without_the_pepper_the_lookup_differs(phrase):
    assert phrase.lookup(pepper=PEPPER) != phrase.lookup(pepper=b"other")
    assert len(phrase.lookup(pepper=PEPPER)) == 32


def test_a_phrase_has_90_bits_and_uses_all_of_the_list():
    made = [Phrase.from_bytes(hashlib.sha256(str(n).encode()).digest()) for n in range(10_000)]

    assert len(set(made)) == 10_000
    assert len({place for phrase in made for place in phrase.places}) > 7770


def test_the_receipts_key_opens_what_is_sealed_to_it():
    from uuid import uuid4

    seed = Phrase((1, 2, 3, 4, 5, 6, 7)).seed(pepper=PEPPER)
    holder = wraps.Holder(uuid4(), uuid4(), "receipt", uuid4())

    wrapped = wraps.wrap(b"k" * 32, public=wraps.public_key(seed), holder=holder)

    assert wraps.unwrap(wrapped, seed=seed, holder=holder) == b"k" * 32


def test_every_word_of_the_list_is_read_as_itself():
    misread = [word for place, word in enumerate(word_list()) if Phrase.parse(f"{word} " * 7) != Phrase((place,) * 7)]

    assert misread == []
