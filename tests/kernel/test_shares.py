"""A secret in shares: the published vectors of SLIP-0039, another program's sheets, and what must fail."""

import itertools

import pytest
import shamir_mnemonic
from hypothesis import given
from hypothesis import strategies as st

from tipline.kernel import shares

# SLIP-0039, test vectors of one group; passphrase "TREZOR". None: must be refused.
DUCKLING = "duckling enlarge academic academic agency result length solution fridge kidney coal piece deal husband erode duke ajar critical decision"  # noqa: E501
SHADOW = [
    "shadow pistol academic always adequate wildlife fancy gross oasis cylinder mustang wrist rescue view short owner flip making coding armed",  # noqa: E501
    "shadow pistol academic acid actress prayer class unknown daughter sweater depict flip twice unkind craft early superior advocate guest smoking",  # noqa: E501
]
THEORY = "theory painting academic academic armed sweater year military elder discuss acne wildlife boring employer fused large satoshi bundle carbon diagnose anatomy hamster leaves tracks paces beyond phantom capital marvel lips brave detect"  # noqa: E501
HUMIDITY = [
    "humidity disease academic always aluminum jewelry energy woman receiver strategy amuse duckling lying evidence network walnut tactics forget hairy rebound impulse brother survive clothes stadium mailman rival ocean reward venture always armed unwrap",  # noqa: E501
    "humidity disease academic agency actress jacket gross physics cylinder solution fake mortgage benefit public busy prepare sharp friar change work slow purchase ruler again tricycle involve viral wireless mixture anatomy desert cargo upgrade",  # noqa: E501
]
VECTORS = [
    ([f"{DUCKLING} keyboard"], "bb54aac4b89dc868ba37d9cc21b2cece"),
    ([f"{DUCKLING} kidney"], None),  # checksum
    (
        [
            "duckling enlarge academic academic email result length solution fridge kidney coal piece deal husband erode duke ajar music cargo fitness"  # noqa: E501
        ],
        None,  # padding
    ),
    (SHADOW, "b43ceb7e57a0ea8766221624d01b0864"),
    (SHADOW[:1], None),
    (
        [
            "adequate smoking academic acid debut wine petition glen cluster slow rhyme slow simple epidemic rumor junk tracks treat olympic tolerate",  # noqa: E501
            "adequate stay academic agency agency formal party ting frequent learn upstairs remember smear leaf damage anatomy ladle market hush corner",  # noqa: E501
        ],
        None,  # different identifiers
    ),
    (
        [
            "peasant leaves academic acid desert exact olympic math alive axle trial tackle drug deny decent smear dominant desert bucket remind",  # noqa: E501
            "peasant leader academic agency cultural blessing percent network envelope medal junk primary human pumps jacket fragment payroll ticket evoke voice",  # noqa: E501
        ],
        None,  # different exponents
    ),
    (
        [
            "device stay academic always dive coal antenna adult black exceed stadium herald advance soldier busy dryer daughter evaluate minister laser",  # noqa: E501
            "device stay academic always dwarf afraid robin gravity crunch adjust soul branch walnut coastal dream costume scholar mortgage mountain pumps",  # noqa: E501
        ],
        None,  # the same sheet twice
    ),
    (
        [
            "hour painting academic academic device formal evoke guitar random modern justice filter withdraw trouble identify mailman insect general cover oven",  # noqa: E501
            "hour painting academic agency artist again daisy capital beaver fiber much enjoy suitable symbolic identify photo editor romp float echo",  # noqa: E501
        ],
        None,  # different thresholds
    ),
    (
        [
            "guilt walnut academic acid deliver remove equip listen vampire tactics nylon rhythm failure husband fatigue alive blind enemy teaspoon rebound",  # noqa: E501
            "guilt walnut academic agency brave hamster hobo declare herd taste alpha slim criminal mild arcade formal romp branch pink ambition",  # noqa: E501
        ],
        None,  # digest
    ),
    ([f"{THEORY} luck"], "989baf9dcaad5b10ca33dfd8cc75e42477025dce88ae83e75a230086a0e00e92"),
    ([f"{THEORY} lunar"], None),
    (HUMIDITY, "c938b319067687e990e05e0da0ecce1278f75ff58d9853f19dcaeed5de104aae"),
    (HUMIDITY[:1], None),
    (
        [
            "junk necklace academic academic acne isolate join hesitate lunar roster dough calcium chemical ladybug amount mobile glasses verify cylinder"  # noqa: E501
        ],
        None,  # too short
    ),
    (
        [
            "fraction necklace academic academic award teammate mouse regular testify coding building member verdict purchase blind camera duration email prepare spirit quarter"  # noqa: E501
        ],
        None,  # no whole number of bytes
    ),
]


@pytest.mark.parametrize(("sheets", "secret"), VECTORS)
def test_the_published_vectors_come_out_as_published(sheets, secret):
    if secret is None:
        with pytest.raises((shares.BadShare, shares.SharesDoNotFit)):
            shares.combine(sheets, passphrase=b"TREZOR")
    else:
        assert shares.combine(sheets, passphrase=b"TREZOR").hex() == secret


@given(secret=st.binary(min_size=32, max_size=32), size=st.tuples(st.integers(2, 5), st.integers(0, 3)))
def test_any_k_sheets_give_the_secret_back_and_another_program_reads_them(secret, size):
    threshold, more = size
    sheets = shares.split(secret, threshold=threshold, sheets=threshold + more)

    for few in itertools.islice(itertools.combinations(sheets, threshold), 3):
        assert shares.combine(few) == secret
    assert shamir_mnemonic.combine_mnemonics(sheets[:threshold]) == secret


@pytest.mark.parametrize("extendable", [True, False])
def test_sheets_made_by_another_program_are_read(extendable):
    secret = bytes(range(32))
    (theirs,) = shamir_mnemonic.generate_mnemonics(1, [(3, 5)], secret, extendable=extendable)

    assert shares.combine(theirs[1:4]) == secret


def test_fewer_sheets_give_nothing():
    sheets = shares.split(bytes(32), threshold=3, sheets=4)

    with pytest.raises(shares.SharesDoNotFit):
        shares.combine(sheets[:2])


def test_sheets_of_two_kits_do_not_fit():
    one, two = (shares.split(bytes(32), threshold=2, sheets=2) for _ in range(2))

    with pytest.raises(shares.SharesDoNotFit):
        shares.combine([one[0], two[1]])


@given(place=st.integers(0, 32), other=st.integers(1, 1023))
def test_one_wrong_word_is_always_found(place, other):
    words = shares.split(bytes(32), threshold=2, sheets=2)[0].split()
    listed = shares.word_list()
    words[place] = listed[(listed.index(words[place]) + other) % 1024]

    with pytest.raises(shares.BadShare):
        shares.parse(" ".join(words))


def test_four_letters_of_a_word_are_enough_and_a_wrong_ending_is_not():
    sheet = shares.split(bytes(32), threshold=2, sheets=2)[0]

    assert shares.parse(" ".join(word[:4] for word in sheet.upper().split())) == shares.parse(sheet)
    with pytest.raises(shares.BadShare):
        shares.parse(sheet + "x")


def test_the_word_list_is_the_published_one():
    words = shares.word_list()

    assert len(words) == 1024
    assert len({word[:4] for word in words}) == 1024
    assert list(words) == list(shamir_mnemonic.wordlist.WORDLIST)


@pytest.mark.parametrize(("threshold", "sheets", "size"), [(1, 3, 32), (4, 3, 32), (2, 17, 32), (2, 3, 15), (2, 3, 33)])
def test_what_cannot_be_split_is_refused(threshold, sheets, size):
    with pytest.raises(ValueError, match="At least 2"):
        shares.split(bytes(size), threshold=threshold, sheets=sheets)
