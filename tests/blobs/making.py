"""One of everything that Tipline stores sealed, made by the code of today, with the keys that open it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings

from intake import actions, sealed
from intake.message import Identity, Message
from intake.models import EpochKey, Program, ProgramKey, Purpose, Receipt, Tip, Wrap
from tipline.kernel import sealing, wraps
from triage import actions as triage_actions
from triage.audit import chain
from triage.console import opening, sheet
from triage.models import BoardSheet, Case, Correction, Grant, KeptSecret, User
from triage.vault import holders, kept, keys
from triage.vault.keys import Unlocked

MESSAGE = Message(text="He said he will bring his uncle's gun to school tomorrow — «завтра»", danger="yes", place="Gym")
INSIDER = Message(text="The sergeant sells what they seize", insider=True)
ADDED = Message(text="He is loading it now")
DETAILS = Identity("Nobody in particular", "a bench in the park")
REPLY, REASON = "Thank you. Which entrance?", "To call the school"


def everything(program: Program, seeds: dict[Purpose, bytes], epoch_seed: bytes, now: datetime) -> dict[str, Any]:
    """Send, assess, answer, correct; returns texts, ids, private keys and blobs, as JSON holds them."""
    pepper = settings.RECEIPT_PEPPER.encode()
    sent = actions.submit(program, MESSAGE, DETAILS, channel="web", key="k" * 22, now=now)
    phrase = sent.phrase
    assert phrase is not None
    receipt = Receipt.objects.get(lookup=phrase.lookup(pepper=pepper))
    tip = receipt.tip
    actions.follow_up(program, phrase, ADDED, channel="web", key="f" * 22, now=now)
    insider = actions.submit(program, INSIDER, Identity(), channel="web", key="i" * 22, now=now).phrase
    assert insider is not None
    added = Tip.objects.get(follows=tip)
    about_us = Receipt.objects.get(lookup=insider.lookup(pepper=pepper)).tip
    tips = {"tip": tip, "follow_up": added, "insider": about_us}
    # Before assessment, which deletes the workers' wraps.
    wrapped = [_wrap(each, name) for name, found in tips.items() for each in Wrap.objects.filter(tip=found)]
    for each in tips.values():
        triage_actions.assess_due(each.due.pk, now=now)
    answer = actions.reply(tip, REPLY)
    wrapped += [_wrap(each, "reply") for each in Wrap.objects.filter(reply=answer)]
    ada = User.objects.create_user("ada", name="Ada")
    content_key = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT)
    code = keys.invite(ada, program, {content_key: seeds[Purpose.CONTENT]})
    invitation = _under_a_phrase(ada.invitation, code)
    grants = [_grant(Grant.objects.get(invitation=ada.invitation), "invitation", str(ada.invitation.pk))]
    unlocked, pass_phrase = keys.accept(ada.invitation, code)
    person = _under_a_phrase(ada.key, pass_phrase) | {"user": str(ada.pk)}
    grants.append(_grant(Grant.objects.get(user=ada), "grant", str(ada.pk)))
    data_key = opening.data_keys([tip], unlocked)[tip.pk]
    audit = chain.record(
        program, chain.Event.IDENTITY_OPENED, actor=ada, tip=tip, text=REASON, data_key=data_key, now=now
    )
    case = Case.objects.get(tip=tip)
    correction = _correction(case, ada, data_key)
    return {
        "program": str(program.pk),
        "peppers": {"receipt": settings.RECEIPT_PEPPER, "vault": settings.VAULT_PEPPER},
        "private_keys": {purpose.value: seed.hex() for purpose, seed in seeds.items()} | {"epoch": epoch_seed.hex()},
        "public_keys": _public_keys(program),
        "receipt": {"numbers": phrase.numbers, "words": phrase.words, "lookup": bytes(receipt.lookup).hex()},
        "wraps": wrapped,
        "fields": [
            _field(tip, "content", tip.sealed, "tip", asdict(MESSAGE)),
            _field(added, "content", added.sealed, "follow_up", asdict(ADDED)),
            _field(about_us, "content", about_us.sealed, "insider", asdict(INSIDER)),
            _field(tip, "identity", tip.sealed_identity, "tip", asdict(DETAILS)),
            _field(tip, "assessment", tip.assessment.sealed, "tip", ["school_threat"]),
            _field(answer, "reply", answer.sealed, "reply", REPLY),
            _field(correction, "correction", correction.sealed, "tip", ["weapons"]),
            _field(audit, "audit", audit.sealed, "tip", REASON),
        ],
        "sheet": _sheet(case, unlocked),
        "person": person,
        "invitation": invitation,
        "grants": grants,
        "link": _link(content_key, seeds[Purpose.CONTENT]),
        "kept": _kept(program, content_key),
    }


def _wrap(each: Wrap, of: str) -> dict[str, str]:
    return {
        "of": of,
        "record": str(each.tip_id or each.reply_id),
        "purpose": each.purpose,
        "key_id": str(each.key_id),
        "blob": bytes(each.sealed).hex(),
    }


def _field(record: Any, name: str, blob: bytes, of: str, says: object) -> dict[str, object]:
    # An assessment is bound to its tip; what stands in a row of its own, to that row.
    return {"of": of, "name": name, "record": str(record.pk), "says": says, "blob": bytes(blob).hex()}


def _under_a_phrase(row: Any, phrase: str) -> dict[str, str]:
    return {
        "id": str(row.pk),
        "phrase": phrase,
        "salt": bytes(row.salt).hex(),
        "cost": row.argon2,
        "public": bytes(row.public_key).hex(),
        "blob": bytes(row.sealed_private).hex(),
    }


def _grant(grant: Grant, purpose: str, holder: str) -> dict[str, str]:
    return {
        "purpose": purpose,
        "holder": holder,
        "program_key": str(grant.program_key_id),
        "blob": bytes(grant.sealed).hex(),
        "tag": bytes(grant.tag).hex(),
    }


def _link(older: ProgramKey, older_seed: bytes) -> dict[str, str]:
    newer_seed = wraps.new_seed()
    newer = ProgramKey(program=older.program, purpose=older.purpose, public_key=wraps.public_key(newer_seed))
    blob = holders.link(older, older_seed, newer=newer).sealed
    return {"newer": str(newer.pk), "older": str(older.pk), "private": newer_seed.hex(), "blob": bytes(blob).hex()}


def _kept(program: Program, key: ProgramKey) -> dict[str, str]:
    kept.keep(program, {"receipt_pepper": settings.RECEIPT_PEPPER})
    blob = KeptSecret.objects.get(program=program).sealed
    return {"name": "receipt_pepper", "program_key": str(key.pk), "blob": bytes(blob).hex()}


def _correction(case: Case, by: User, data_key: bytes) -> Correction:
    made = Correction(program_id=case.program_id, case=case, by=by, number=1)
    plain = opening.Corrected("urgent", ("weapons",)).to_bytes()
    made.sealed = sealing.seal(plain, key=data_key, place=sealed.place(case.tip, sealed.CORRECTION, made.pk))
    made.save(force_insert=True)
    return made


def _public_keys(program: Program) -> list[dict[str, str]]:
    pins = {line.split()[1]: line.split()[2] for line in settings.KEY_PINS.read_text().splitlines()}
    current = [
        {"id": str(key.pk), "purpose": key.purpose, "public": bytes(key.public_key).hex(), "pin": pins[key.purpose]}
        for key in ProgramKey.objects.filter(program=program)
    ]
    epoch = EpochKey.objects.get()
    return [*current, {"id": str(epoch.pk), "purpose": "epoch", "public": bytes(epoch.public_key).hex(), "pin": ""}]


def _sheet(case: Case, unlocked: Unlocked) -> dict[str, object]:
    known = sheet.facets_of([case], unlocked)
    return {
        "case": case.pk.hex,
        "says": known[case.pk].to_list(),
        "blob": bytes(BoardSheet.objects.get(program=case.program_id, oversight=False).sealed).hex(),
    }
