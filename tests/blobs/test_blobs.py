"""What every version stored stays readable, by us and by a program that knows docs/formats.md alone.

version-1.json holds blobs made when this version was current: they are never made anew. A change of
format adds a file; `everything` of today is read in the same way, so that the two cannot drift apart.
To keep a new version: `pytest tests/blobs --keep-blobs=tests/blobs/version-2.json`.
"""

import ast
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.blobs import making, reader
from tipline.kernel import sealing, wraps
from tipline.kernel.receipts import Phrase
from triage import epochs

HERE = Path(__file__).parent
KEPT = sorted(HERE.glob("version-*.json"))
Blobs = dict[str, Any]


@pytest.fixture
def made_today(program, seeds, epoch_seed, noon, monkeypatch, pytestconfig) -> Blobs:
    monkeypatch.setattr(epochs, "seed_of", lambda key_id: epoch_seed)
    made = making.everything(program, seeds, epoch_seed, noon)
    if keep := pytestconfig.getoption("--keep-blobs"):
        Path(keep).write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n")
    return made


@pytest.fixture(params=["today", *(path.stem for path in KEPT)])
def blobs(request, db) -> Blobs:
    if request.param == "today":
        found: Blobs = request.getfixturevalue("made_today")
        return found
    return dict(json.loads((HERE / f"{request.param}.json").read_text()))


def data_keys(blobs: Blobs) -> dict[tuple[str, str], set[bytes]]:
    """Every data key as another program opens it, by what it belongs to and by purpose."""
    private = {name: bytes.fromhex(key) for name, key in blobs["private_keys"].items()}
    private["receipt"] = reader.receipt_private(blobs["receipt"]["numbers"], blobs["peppers"]["receipt"])
    found: dict[tuple[str, str], set[bytes]] = {}
    for each in blobs["wraps"]:
        key = reader.wrap(
            bytes.fromhex(each["blob"]),
            private[each["purpose"]],
            blobs["program"],
            each["record"],
            each["purpose"],
            each["key_id"],
        )
        found.setdefault((each["of"], "identity" if each["purpose"] == "identity" else "text"), set()).add(key)
    return found


def test_version_1_is_kept():
    assert [path.name for path in KEPT] == ["version-1.json"]


def test_the_reader_imports_nothing_of_ours():
    tree = ast.parse((HERE / "reader.py").read_text())
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in named} - {"cryptography"} <= {
        *("hashlib", "hmac", "json", "zlib", "typing", "uuid"),
    }


def test_another_program_opens_the_wraps_of_every_purpose(blobs):
    assert {each["purpose"] for each in blobs["wraps"]} == {"content", "oversight", "identity", "epoch", "receipt"}
    found = data_keys(blobs)

    # Whoever a data key was wrapped to, it is the same key.
    assert {name: len(keys) for name, keys in found.items()} == dict.fromkeys(found, 1)
    assert len(set().union(*found.values())) == len(found) == 7


def test_another_program_reads_every_sealed_field(blobs):
    keys = data_keys(blobs)
    read = {}
    for each in blobs["fields"]:
        [key] = keys[each["of"], "identity" if each["name"] == "identity" else "text"]
        plain = reader.field(bytes.fromhex(each["blob"]), key, blobs["program"], each["record"], each["name"])
        read[each["of"], each["name"]] = (plain.decode(), each["says"])

    for of in ("tip", "follow_up", "insider"):
        plain, says = read[of, "content"]
        content = json.loads(plain)
        assert content["message"] == says
        assert (content["v"], content["channel"], content["quarter"]) == (1, "web", "2026-03-04T12:00:00+00:00")
        assert content["identity"] == (of == "tip")
    assert json.loads(read["tip", "identity"][0]) == read["tip", "identity"][1]
    for name in ("assessment", "correction"):
        plain, says = read["tip", name]
        assert set(says) <= set(json.loads(plain)["categories"])
    assert read["reply", "reply"][0] == read["reply", "reply"][1]
    assert read["tip", "audit"][0] == read["tip", "audit"][1]


def test_another_program_reads_the_board_sheet(blobs):
    private = bytes.fromhex(blobs["private_keys"]["content"])
    found = reader.board_sheet(bytes.fromhex(blobs["sheet"]["blob"]), private, blobs["program"], oversight=False)

    assert found == {blobs["sheet"]["case"]: blobs["sheet"]["says"]}


@pytest.mark.parametrize("who", ["person", "invitation"])
def test_another_program_goes_from_words_to_the_programs_key(blobs, who):
    found = blobs[who]
    [grant] = [each for each in blobs["grants"] if (each["purpose"] == "invitation") == (who == "invitation")]
    under = reader.stretched(found["phrase"], bytes.fromhex(found["salt"]), found["cost"], blobs["peppers"]["vault"])
    bound = (found["user"], "person-key") if who == "person" else (blobs["program"], "invitation")
    private = reader.field(bytes.fromhex(found["blob"]), under, bound[0], found["id"], bound[1])

    place = (blobs["program"], grant["holder"], grant["purpose"], grant["program_key"])
    seed = reader.wrap(bytes.fromhex(grant["blob"]), private, *place)

    assert seed.hex() == blobs["private_keys"]["content"]
    public = bytes.fromhex(found["public"])
    tag = reader.holder_tag(seed, grant["purpose"], grant["holder"], public, grant["program_key"])
    assert tag.hex() == grant["tag"]


def test_another_program_goes_from_a_key_to_the_one_before_it(blobs):
    link = blobs["link"]
    place = (blobs["program"], link["newer"], "older-key", link["older"])

    older = reader.wrap(bytes.fromhex(link["blob"]), bytes.fromhex(link["private"]), *place)

    assert older.hex() == blobs["private_keys"]["content"]


def test_another_program_finds_a_pepper_again(blobs):
    kept, private = blobs["kept"], bytes.fromhex(blobs["private_keys"]["content"])
    place = (blobs["program"], blobs["program"], f"kept-{kept['name']}", kept["program_key"])

    assert reader.wrap(bytes.fromhex(kept["blob"]), private, *place).decode() == blobs["peppers"]["receipt"]


def test_another_program_finds_a_conversation_by_its_numbers(blobs):
    receipt = blobs["receipt"]

    assert reader.receipt_lookup(receipt["numbers"], blobs["peppers"]["receipt"]).hex() == receipt["lookup"]


def test_another_program_reckons_the_pins(blobs):
    pinned = [each for each in blobs["public_keys"] if each["pin"]]

    assert {each["purpose"] for each in pinned} == {"content", "identity", "oversight"}
    for each in pinned:
        assert reader.fingerprint(bytes.fromhex(each["public"])) == each["pin"]


def test_we_read_what_was_kept_ourselves(blobs):
    program = UUID(blobs["program"])
    phrase = Phrase.parse(" ".join(blobs["receipt"]["words"]))
    assert phrase is not None
    seeds = {name: bytes.fromhex(key) for name, key in blobs["private_keys"].items()}
    seeds["receipt"] = phrase.seed(pepper=blobs["peppers"]["receipt"].encode())
    opened = {}
    for each in blobs["wraps"]:
        holder = wraps.Holder(program, UUID(each["record"]), each["purpose"], UUID(each["key_id"]))
        kind = "identity" if each["purpose"] == "identity" else "text"
        opened[each["of"], kind] = wraps.unwrap(bytes.fromhex(each["blob"]), seed=seeds[each["purpose"]], holder=holder)
    for each in blobs["fields"]:
        key = opened[each["of"], "identity" if each["name"] == "identity" else "text"]
        place = sealing.Place(program, UUID(each["record"]), each["name"])
        assert sealing.unseal(bytes.fromhex(each["blob"]), key=key, place=place)
