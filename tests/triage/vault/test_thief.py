"""What a thief of the database opens with one thing more: a leaver's words, the peppers, sheets of the kit."""

import pytest
from django.db import connection

from intake import sealed
from intake.models import ProgramKey, Purpose, Tip, Wrap
from tipline.kernel import sealing, shares
from tipline.kernel.sealing import SealBroken
from triage.models import Grant, Invitation, KeptSecret, KeyLink, PersonKey
from triage.vault import holders, kept, keys, people, phrases, recovery
from triage.vault.stretching import Cost, stretch

pytestmark = pytest.mark.django_db

TEXT = "He keeps the rifle in the blue shed behind school"


def _dump() -> bytes:
    """Every row of every table, as a dump has them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            rows += [text for (text,) in cursor.fetchall()]
    return "\n".join(rows).encode()


def _seeds_by_words(words: str) -> list[bytes]:
    """Every private key of the dump that these words open, whoever's it is."""
    found = []
    for key in PersonKey.objects.all():
        stretched = stretch(phrases.tidy(words), salt=bytes(key.salt), cost=Cost.parse(key.argon2))
        try:
            place = sealing.Place(key.user_id, key.pk, "person-key")
            found.append(sealing.unseal(bytes(key.sealed_private), key=stretched, place=place))
        except SealBroken:
            continue
    for invitation in Invitation.objects.all():
        seed = keys.invited_seed(invitation, words)
        found += [seed] if seed else []
    return found


def _grants_opened(seeds: list[bytes]) -> int:
    opened = 0
    for grant in Grant.objects.all():
        for seed in seeds:
            try:
                holders.open_grant(grant, seed=seed)
                opened += 1
            except SealBroken:
                continue
    return opened


@pytest.fixture
def town(program, join, send, tip_of, noon):
    """Ada and a chair stay, Ben has left; tips before and after, and a kit that holds everything."""
    kept.keep(program, {"vault_pepper": "the vault's", "receipt_pepper": "the receipts'"})
    ada, chair, ben = join("Ada"), join("Chair", "oversight"), join("Ben")
    tips = [tip_of(send(TEXT, name="Maria Doe"))]
    made = recovery.draft(program)
    recovery.confirm(program, made, by=ada[0], unlocked=keys.unlock(*ada), now=noon)
    recovery.join(program, by=chair[0], unlocked=keys.unlock(*chair), now=noon)
    people.leave(program, ben[0], by=ada[0], unlocked=keys.unlock(*ada), now=noon)
    tips += [tip_of(send(TEXT)), tip_of(send(TEXT, insider=True))]
    return {"ada": ada, "ben": ben, "kit": made, "tips": tips}


def test_an_ex_coordinators_words_the_peppers_and_a_dump_open_no_key_at_all(town):
    mine = _seeds_by_words(town["ben"][1])

    assert mine == []
    assert not Grant.objects.filter(user=town["ben"][0]).exists()
    # The search can find: the same with the words of somebody who stayed.
    assert _grants_opened(_seeds_by_words(town["ada"][1])) == 2


def test_the_peppers_and_a_dump_open_nothing(town, settings):
    assert settings.VAULT_PEPPER
    dump = _dump()
    everything = keys.unlock(*town["ada"])
    seeds = [everything.seed, *(everything.seed_of(key) for key in everything.key_ids())]

    for blind in ("", settings.VAULT_PEPPER, settings.RECEIPT_PEPPER, phrases.generate()):
        assert _seeds_by_words(blind) == []
    for secret in [*seeds, TEXT.encode(), b"Maria Doe", b"the vault's", town["ada"][1].encode()]:
        assert secret not in dump
        assert secret.hex().encode() not in dump
    # The search can find: what is stored stands in the dump, in hex.
    assert bytes(KeptSecret.objects.first().sealed).hex().encode() in dump


def test_one_sheet_the_peppers_and_a_dump_open_nothing(town, program):
    for line in town["kit"].lines:
        with pytest.raises(shares.SharesDoNotFit):
            recovery.opened(program, [line])


def test_the_kit_and_a_dump_open_everything(town, program):
    _, opened = recovery.opened(program, town["kit"].lines[1:])
    seeds = {key.pk: seed for key, seed in opened.items()}
    for link in KeyLink.objects.filter(newer__in=seeds):
        seeds[link.older_id] = holders.open_link(link, seed=seeds[link.newer_id])

    assert {key.purpose for key in opened} == {"content", "identity", "oversight"}
    for tip in town["tips"]:
        wrap = Wrap.objects.get(tip=tip, purpose__in=sealed.CONTENT_PURPOSES)
        key = sealed.data_key(tip, [wrap], key_id=wrap.key_id, seed=seeds[wrap.key_id])
        assert TEXT.encode() in sealing.unseal(bytes(tip.sealed), key=key, place=sealed.place(tip, sealed.CONTENT))
    told = Tip.objects.get(pk=town["tips"][0].pk)
    wrap = Wrap.objects.get(tip=told, purpose="identity")
    key = sealed.data_key(told, [wrap], key_id=wrap.key_id, seed=seeds[wrap.key_id])
    blob = sealing.unseal(bytes(told.sealed_identity), key=key, place=sealed.place(told, sealed.IDENTITY))
    assert b"Maria Doe" in blob
    content = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT, retired=False)
    assert kept.opened(content, seeds[content.pk])["vault_pepper"] == "the vault's"
