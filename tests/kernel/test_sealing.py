"""Seals: what was sealed opens, whatever was changed or moved does not, and only the class of its size shows."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline.kernel import sealing, wraps
from tipline.kernel.sealing import Place, SealBroken

VECTORS = json.loads((Path(__file__).parent / "vectors" / "seals-v1.json").read_text())
keys = st.binary(min_size=32, max_size=32)
places = st.builds(Place, st.uuids(), st.uuids(), st.sampled_from(["content", "identity", "assessment"]))


@given(st.binary(max_size=5000), keys, places)
def test_what_was_sealed_opens(plaintext, key, place):
    assert sealing.unseal(sealing.seal(plaintext, key=key, place=place), key=key, place=place) == plaintext


@given(st.binary(max_size=600), st.data())
def test_any_flipped_bit_breaks_the_seal(plaintext, data):
    key, place = sealing.new_data_key(), Place(uuid4(), uuid4(), "content")
    blob = bytearray(sealing.seal(plaintext, key=key, place=place))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8

    with pytest.raises(SealBroken):
        sealing.unseal(bytes(blob), key=key, place=place)


@given(st.binary(max_size=600), st.data())
def test_a_shortened_seal_is_broken(plaintext, data):
    key, place = sealing.new_data_key(), Place(uuid4(), uuid4(), "content")
    blob = sealing.seal(plaintext, key=key, place=place)

    with pytest.raises(SealBroken):
        sealing.unseal(blob[: data.draw(st.integers(0, len(blob) - 1))], key=key, place=place)


@pytest.mark.parametrize("moved", ["program", "record", "field", "key"])
def test_a_seal_moved_elsewhere_does_not_open(moved):
    key, place = sealing.new_data_key(), Place(uuid4(), uuid4(), "content")
    blob = sealing.seal(b"words", key=key, place=place)
    program = uuid4() if moved == "program" else place.program
    record = uuid4() if moved == "record" else place.record
    field = "identity" if moved == "field" else place.field
    other_key = sealing.new_data_key() if moved == "key" else key

    with pytest.raises(SealBroken):
        sealing.unseal(blob, key=other_key, place=Place(program, record, field))


@given(st.integers(0, sealing.LARGEST))
def test_the_size_of_a_seal_tells_only_its_class(length):
    padded = sealing.pad(b"x" * length)

    assert len(padded) in sealing.SIZE_CLASSES
    assert len(padded) == min(size for size in sealing.SIZE_CLASSES if size >= length + 4)
    assert sealing.unpad(padded) == b"x" * length


def test_more_than_the_largest_class_is_refused():
    with pytest.raises(ValueError, match="at most"):
        sealing.pad(b"x" * (sealing.LARGEST + 1))


def test_padding_not_made_by_us_is_refused():
    with pytest.raises(SealBroken):
        sealing.unpad((5).to_bytes(4, "big") + b"words" + b"\x01" * 503)


def test_nonces_do_not_repeat():
    key, place = sealing.new_data_key(), Place(uuid4(), uuid4(), "content")

    nonces = {sealing.seal(b"", key=key, place=place)[2:14] for _ in range(10_000)}

    assert len(nonces) == 10_000


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="32 bytes"):
        sealing.seal(b"", key=b"k" * size, place=Place(uuid4(), uuid4(), "content"))


@given(keys)
def test_what_was_wrapped_opens(data):
    seed, holder = wraps.new_seed(), wraps.Holder(uuid4(), uuid4(), "content", uuid4())

    assert (
        wraps.unwrap(wraps.wrap(data, public=wraps.public_key(seed), holder=holder), seed=seed, holder=holder) == data
    )


@given(st.data())
def test_any_flipped_bit_breaks_a_wrap(data):
    seed, holder = wraps.new_seed(), wraps.Holder(uuid4(), uuid4(), "content", uuid4())
    blob = bytearray(wraps.wrap(b"k" * 32, public=wraps.public_key(seed), holder=holder))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8

    with pytest.raises(SealBroken):
        wraps.unwrap(bytes(blob), seed=seed, holder=holder)


@pytest.mark.parametrize("moved", ["program", "record", "purpose", "key_id", "seed"])
def test_a_wrap_moved_elsewhere_does_not_open(moved):
    from dataclasses import replace

    seed, holder = wraps.new_seed(), wraps.Holder(uuid4(), uuid4(), "content", uuid4())
    blob = wraps.wrap(b"k" * 32, public=wraps.public_key(seed), holder=holder)
    if moved == "seed":
        seed = wraps.new_seed()
    else:
        holder = replace(holder, **{moved: "identity" if moved == "purpose" else uuid4()})

    with pytest.raises(SealBroken):
        wraps.unwrap(blob, seed=seed, holder=holder)


@pytest.mark.parametrize("vector", VECTORS["fields"], ids=lambda vector: vector["name"])
def test_fields_sealed_by_version_one_stay_readable(vector):
    place = Place(UUID(vector["program"]), UUID(vector["record"]), vector["field"])

    opened = sealing.unseal(bytes.fromhex(vector["blob"]), key=bytes.fromhex(vector["key"]), place=place)

    assert opened == bytes.fromhex(vector["plaintext"])


@pytest.mark.parametrize("vector", VECTORS["wraps"], ids=lambda vector: vector["name"])
def test_wraps_of_version_one_stay_readable(vector):
    holder = wraps.Holder(UUID(vector["program"]), UUID(vector["record"]), vector["purpose"], UUID(vector["key_id"]))
    seed = bytes.fromhex(vector["seed"])

    assert wraps.fingerprint(wraps.public_key(seed)) == vector["fingerprint"]
    assert wraps.unwrap(bytes.fromhex(vector["blob"]), seed=seed, holder=holder) == bytes.fromhex(vector["data"])


@pytest.mark.parametrize("vector", VECTORS["seeds"], ids=lambda vector: vector["purpose"])
def test_derived_keys_stay_the_same(vector):
    made = wraps.derive_seed(
        bytes.fromhex(vector["secret"]), salt=bytes.fromhex(vector["salt"]), purpose=vector["purpose"]
    )

    assert made.hex() == vector["seed"]


def test_an_unknown_suite_does_not_open():
    vector = VECTORS["fields"][0]
    blob = bytearray.fromhex(vector["blob"])
    blob[1] = 99

    with pytest.raises(SealBroken):
        sealing.unseal(
            bytes(blob),
            key=bytes.fromhex(vector["key"]),
            place=Place(UUID(vector["program"]), UUID(vector["record"]), vector["field"]),
        )
