"""Searching the words of open tips, inside the unlocked session.

Only tips this person has opened are looked through: a search must not read what nobody put on record that they
read. What is looked for travels in the body of a request and is kept nowhere.
"""

from dataclasses import dataclass

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from intake import sealed
from intake.message import Content
from intake.models import Tip
from tipline.kernel import sealing
from tipline.kernel.sealing import SealBroken
from triage.audit.chain import Event
from triage.classify.folding import fold_plain
from triage.console import labels, opening
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.models import AuditEntry, Case, CaseStatus, User
from triage.vault.keys import Unlocked

MOST = 2_000
"""Tips and messages that one search opens: a third of a second."""
SHOWN = 50


class SearchForm(forms.Form):
    """What is looked for: every word of it must stand in the tip."""

    words = forms.CharField(
        label=_("Words or a reference"), max_length=200, error_messages={"required": _("Write what you look for.")}
    )


@dataclass(frozen=True, slots=True)
class Found:
    """One case with all the words."""

    case: Case
    reference: str


@open_to(UNLOCKED)
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: ConsoleRequest) -> HttpResponse:
    """Ask for words, and show which of one's opened tips have them."""
    form = SearchForm(request.POST or None)
    found: list[Found] = []
    asked = request.method == "POST" and form.is_valid() and request.vault is not None
    if asked and request.vault is not None:
        found = _look(request.user, request.vault, form.cleaned_data["words"])
    context = {"here": "board", "form": form, "found": found, "asked": asked, "shown": SHOWN}
    return render(request, "console/search.html", context, status=422 if form.errors else 200)


def _look(user: User, vault: Unlocked, asked: str) -> list[Found]:
    visible = Case.objects.visible_to(user).exclude(status=CaseStatus.CLOSED)
    named = labels.ids_of(asked)
    if named:
        by_name = list(visible.filter(pk__gte=named[0], pk__lte=named[1]))
        if by_name:
            return [Found(case, labels.reference(case.pk)) for case in by_name]
    opened = AuditEntry.objects.filter(tip=OuterRef("tip"), actor=user, event=Event.TIP_OPENED)
    cases = {case.tip_id: case for case in visible.filter(Exists(opened))[:MOST]}
    tips = list(Tip.objects.filter(Q(pk__in=cases) | Q(follows__in=cases))[:MOST])
    keys = opening.data_keys(tips, vault)
    texts: dict[object, str] = {}
    for tip in tips:
        try:
            plain = sealing.unseal(bytes(tip.sealed), key=keys[tip.pk], place=sealed.place(tip, sealed.CONTENT))
        except (SealBroken, KeyError):
            continue
        message = Content.from_bytes(plain).message
        parts = (message.text, message.people, message.vehicle, message.place, message.time, message.school)
        root = tip.follows_id or tip.pk
        texts[root] = " ".join((texts.get(root, ""), *parts))
    wanted = fold_plain(asked).split()
    hits = [case for root, case in cases.items() if all(word in fold_plain(texts.get(root, "")) for word in wanted)]
    return [Found(case, labels.reference(case.pk)) for case in hits[:SHOWN]]
