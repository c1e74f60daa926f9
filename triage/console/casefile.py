"""Everything the page of one tip shows, opened with the keys of this request."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from intake import sealed
from intake.message import Content, Message
from intake.models import Receipt, Reply, Tip, TipStatus, Wrap
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.audit import chain
from triage.audit.chain import Event
from triage.console import calls, guard, handling, highlighting, labels, opening
from triage.models import Assessment, AuditEntry, Case, Checked, Correction, Outcome, Urgency, User
from triage.vault.keys import Unlocked


@dataclass(frozen=True, slots=True)
class Part:
    """The tip, or one follow-up: its words with the reasons in them, its own level, its facts."""

    tip: Tip
    urgency: str
    judged: bool
    version: str
    readable: bool
    fresh: bool
    message: Message | None = None
    pieces: list[highlighting.Piece] = field(default_factory=list)
    notes: list[highlighting.Footnote] = field(default_factory=list)
    facts: list[tuple[str, str, bool]] = field(default_factory=list)
    risks: list[str] = field(default_factory=list)
    has_identity: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline."""

    hour: datetime
    who: str
    what: str
    more: str


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case as one person sees it now."""

    case: Case
    reference: str
    sealed: bool
    opened_by_me: bool
    parts: list[Part]
    talk: list[Part | str]
    categories: list[str]
    category_codes: tuple[str, ...]
    corrected: bool
    language: str
    channel: str
    age: str
    code_locked: bool
    has_identity: bool
    identity_removed_on: date | None
    timeline: list[Line]
    calls: calls.Calls | None
    notes: list[handling.Noted]
    told: list[tuple[str, datetime]]
    duty: Line | None
    risk_read: bool
    guarded: bool
    must_report: bool
    language_code: str | None
    events: frozenset[str]  # what ever happened to it
    last: tuple[str, UUID | None]  # what happened last, and who did it
    together: int = 0  # tips that people put together with this one, itself among them
    root_key: bytes | None = field(default=None, repr=False)

    @property
    def risks(self) -> list[str]:
        """What endangers the sender, each once."""
        return list(dict.fromkeys(risk for part in self.parts for risk in part.risks))

    @property
    def risks_denied(self) -> bool:
        """Whether the sender said that nobody could guess, and that police coming makes nothing worse."""
        return any(m.guessable == "no" and m.worse_if_police == "no" for m in self.messages)

    @property
    def messages(self) -> list[Message]:
        """What the sender wrote, as far as it is open."""
        return [part.message for part in self.parts if part.message]

    @property
    def unread(self) -> int:
        """Parts no person has opened yet, the tip itself among them."""
        return sum(part.fresh for part in self.parts)


def load(case: Case, user: User, unlocked: Unlocked | None, *, now: datetime) -> CaseFile:
    """Open a case for its page. What the keys do not open stays sealed; what nobody opened stays shut."""
    root = case.tip
    tips = list(Tip.objects.filter(Q(pk=root.pk) | Q(follows=root)).order_by("number"))
    keys = opening.data_keys(tips, unlocked) if unlocked else {}
    entries = list(
        AuditEntry.objects.filter(program=case.program_id, tip=root.pk).select_related("actor").order_by("number")
    )
    opened_by_me = any(e.actor_id == user.pk and e.event == Event.TIP_OPENED for e in entries)
    assessments = {each.tip_id: each for each in Assessment.objects.filter(tip__in=tips)}
    thoughts = {
        tip.pk: opening.thought(tip, assessments[tip.pk], keys.get(tip.pk)) for tip in tips if tip.pk in assessments
    }
    parts = [_part(tip, thoughts.get(tip.pk), keys.get(tip.pk), readable=opened_by_me) for tip in tips]
    root_key = keys.get(root.pk)
    events = frozenset(entry.event for entry in entries)
    answer = _correction(case, root_key) if Event.CORRECTED in events else None
    codes = (
        answer.categories
        if answer
        else labels.categories(code for tip in tips if tip.pk in thoughts for code in thoughts[tip.pk].categories)
    )
    first = thoughts.get(root.pk)
    texts = {entry.pk: _text(entry, root, root_key) for entry in entries}
    lines = {entry.pk: _line(entry, texts[entry.pk]) for entry in entries}
    duties = [entry for entry in entries if entry.event == Event.DUTY_RECORDED]
    language = next((t.language for t in thoughts.values() if t.language), None)
    return CaseFile(
        case=case,
        reference=labels.reference(case.pk),
        sealed=unlocked is not None and root_key is None,
        opened_by_me=opened_by_me,
        parts=parts,
        talk=_talk(parts, _replies(root, unlocked) if opened_by_me else {}, entries, texts),
        categories=[labels.category(code) for code in codes],
        category_codes=codes,
        corrected=answer is not None,
        language=labels.language(language),
        language_code=language,
        events=events,
        last=(entries[-1].event, entries[-1].actor_id) if entries else ("", None),
        channel=str(labels.CHANNELS.get(first.channel, first.channel)) if first else "",
        age=labels.age(first.quarter, now) if first else "",
        code_locked=not Receipt.objects.filter(tip=root).exists(),
        has_identity=root.identity_removed_on is None and any(part.has_identity for part in parts),
        identity_removed_on=root.identity_removed_on if any(part.has_identity for part in parts) else None,
        timeline=list(lines.values()),
        notes=handling.notes_of(case, user, root_key) if opened_by_me else [],
        told=[(str(texts[e.pk].get("who", "")), e.hour) for e in entries if e.event == Event.TOLD],
        duty=lines[duties[-1].pk] if duties else None,
        risk_read=any(e.event == Event.RISK_READ and e.actor_id == user.pk for e in entries),
        guarded=guard.guarded(thoughts.values()),
        must_report=guard.must_report(thoughts.values(), codes),
        calls=calls.of(case, now=now),
        together=Case.objects.filter(incident=case.incident).count() if case.incident else 0,
        root_key=root_key,
    )


def _part(tip: Tip, thought: opening.Thought | None, key: bytes | None, *, readable: bool) -> Part:
    fresh = tip.status == TipStatus.RECEIVED
    urgency = thought.urgency if thought else ""
    plain = Part(
        tip,
        urgency,
        judged=thought.judged if thought else False,
        version=thought.version if thought else "",
        readable=False,
        fresh=fresh,
    )
    if key is None or not readable or fresh:
        return plain
    try:
        blob = sealing.unseal(bytes(tip.sealed), key=key, place=sealed.place(tip, sealed.CONTENT))
    except SealBroken:
        return plain
    content = Content.from_bytes(blob)
    pieces, notes = highlighting.marked(content.message.text, thought.reasons if thought else ())
    return Part(
        tip,
        urgency,
        judged=plain.judged,
        version=plain.version,
        readable=True,
        fresh=False,
        message=content.message,
        pieces=pieces,
        notes=notes,
        facts=_facts(content.message),
        risks=_risks(content.message),
        has_identity=content.has_identity,
    )


def _facts(message: Message) -> list[tuple[str, str, bool]]:
    yes = {"yes": _("Yes"), "no": _("No"), "unsure": _("Not sure")}
    answers = [
        (_("Somebody in danger now"), yes.get(message.danger, ""), message.danger == "yes"),
        (_("About the sender"), yes["yes"] if message.about_me else "", False),
        (_("About police, school or program"), yes["yes"] if message.insider else "", False),
        (_("Who else knows"), message.who_knows, False),
        (_("Could they guess who wrote"), yes.get(message.guessable, ""), message.guessable in {"yes", "unsure"}),
        (
            _("Worse if police come today"),
            yes.get(message.worse_if_police, ""),
            message.worse_if_police in {"yes", "unsure"},
        ),
        (_("People"), message.people, False),
        (_("Vehicle"), message.vehicle, False),
        (_("Place"), message.place, False),
        (_("Time"), message.time, False),
        (_("School"), message.school, False),
    ]
    return [answer for answer in answers if answer[1]]


def _risks(message: Message) -> list[str]:
    risks = []
    if message.guessable in {"yes", "unsure"}:
        risks.append(_("They could guess who wrote this."))
    if message.worse_if_police in {"yes", "unsure"}:
        risks.append(_("It could get worse for the sender if police come today."))
    return risks


def _correction(case: Case, root_key: bytes | None) -> opening.Corrected | None:
    if root_key is None:
        return None
    newest = Correction.objects.filter(case=case).order_by("-number").first()
    return opening.corrected(case.tip, newest, root_key) if newest else None


def _replies(root: Tip, unlocked: Unlocked | None) -> dict[int, str]:
    """Open our answers, by number."""
    replies = {reply.pk: reply for reply in Reply.objects.filter(tip=root)}
    held = unlocked.key_ids() if unlocked else set()
    found: dict[int, str] = {}
    for wrap in Wrap.objects.filter(reply__in=replies, key_id__in=held):
        reply = replies[wrap.reply_id] if wrap.reply_id else None
        seed = unlocked.seed_of(wrap.key_id) if unlocked else None
        if reply is None or seed is None:
            continue
        try:
            key = sealed.data_key(reply, [wrap], key_id=wrap.key_id, seed=seed) or b""
            place = sealed.reply_place(reply)
            found[reply.number] = sealing.unseal(bytes(reply.sealed), key=key, place=place).decode()
        except (SealBroken, ValueError):
            found[reply.number] = _("This answer does not open any more.")
    return found


def _talk(
    parts: list[Part], replies: dict[int, str], entries: list[AuditEntry], texts: dict[UUID, dict[str, Any]]
) -> list[Part | str]:
    """Put answers between the messages: our record of each says which message it came after."""
    after: dict[int, list[str]] = {}
    for entry in entries:
        noted = texts[entry.pk]
        if entry.event == Event.REPLIED and noted.get("reply") in replies:
            after.setdefault(int(noted.get("after", 0)), []).append(replies.pop(noted["reply"]))
    if replies and parts:
        after.setdefault(parts[-1].tip.number, []).extend(replies.values())
    talk: list[Part | str] = []
    for part in parts:
        talk.append(part)
        talk.extend(after.get(part.tip.number, ()))
    return talk


def _text(entry: AuditEntry, root: Tip, root_key: bytes | None) -> dict[str, Any]:
    if not entry.sealed or root_key is None:
        return {}
    try:
        found: dict[str, Any] = json.loads(chain.text_of(entry, tip=root, data_key=root_key))
    except (SealBroken, ValueError):
        return {}
    return found


def _line(entry: AuditEntry, noted: dict[str, Any]) -> Line:
    more = ""
    if entry.event == Event.CORRECTED and "categories" in noted:
        more = _answer(noted)
    elif entry.event == Event.REVIEWED and noted.get("level") in Urgency.values:
        more = str(Urgency(noted["level"]).label)
    elif entry.event == Event.REASSESSED and "before" in noted:
        more = _("%(now)s; before: %(before)s") % {"now": _answer(noted), "before": _answer(noted["before"])}
    elif entry.event == Event.CLOSED and noted.get("reason") in Outcome.values:
        more = str(Outcome(noted["reason"]).label)
    elif entry.event == Event.CHECKED and noted.get("did") in Checked.values:
        more = str(Checked(noted["did"]).label)
    elif entry.event in {Event.HANDED_OVER, Event.DUTY_RECORDED} and "to" in noted:
        more = _("to %(name)s") % {"name": noted["to"]}
    elif entry.event == Event.TOLD and "who" in noted:
        more = str(noted["who"])
    note = str(noted.get("note") or noted.get("why") or "")
    more = ": ".join(each for each in (more, note) if each)
    if colleague := noted.get("with"):
        more = ", ".join(each for each in (more, _("with %(name)s") % {"name": colleague}) if each)
    what = str(Event(entry.event).label) if entry.event in Event.values else entry.event
    nobody = _("The program") if entry.event == Event.REASSESSED else _("Somebody")
    return Line(entry.hour, entry.actor.name if entry.actor else nobody, what, more)


def _answer(noted: dict[str, Any]) -> str:
    """Say a level and categories in words."""
    level = str(noted.get("level", ""))
    named = str(Urgency(level).label) if level in Urgency.values else level
    return ", ".join([named, *(labels.category(code) for code in noted.get("categories", ()))])
