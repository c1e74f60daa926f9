"""How one is called oneself: one's telephones and mailboxes, and a test page to each."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from tipline.kernel.sealing import SealBroken
from triage.audit.chain import Event
from triage.console import staff_log
from triage.console.requests import JUST_UNLOCKED, UNLOCKED, ConsoleRequest, open_to
from triage.escalation import contacts, drills
from triage.models import Channel, Contact, Drill, DrillState, Membership, OnCall, Shift, User

MOST = 12
"""Numbers and mailboxes of one person: each is called in every page."""


class Way(NamedTuple):
    """One telephone or mailbox as its person sees it. `contacts` are its rows, one for each of their programs."""

    first: Contact
    address: str
    drill: Drill | None


class AddForm(forms.Form):
    """A telephone or a mailbox."""

    channel = forms.ChoiceField(
        label=_("How"),
        choices=[
            (Channel.SMS, _("By SMS")),
            (Channel.VOICE, _("By a call")),
            (Channel.EMAIL, _("By e-mail")),
        ],
        error_messages={"required": _("Choose how.")},
    )
    address = forms.CharField(
        label=_("Number or address"),
        max_length=254,
        error_messages={"required": _("Write a telephone number or an e-mail address.")},
    )

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or {}
        channel, address = str(cleaned.get("channel", "")), str(cleaned.get("address", ""))
        if channel and address:
            try:
                contacts.normalise(channel, address)
            except contacts.BadAddress:
                self.add_error("address", _bad(channel))
        return cleaned


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show one's own numbers and mailboxes, and nobody else's."""
    return _page(request, AddForm(initial={"channel": Channel.SMS}))


@open_to(JUST_UNLOCKED)
@require_POST
def add(request: ConsoleRequest) -> HttpResponse:
    """Add one, in each of one's programs; one that was switched off is switched on again."""
    user, form = request.user, AddForm(request.POST)
    if form.is_valid() and len(_ways(user)) >= MOST:
        form.add_error(None, now_("That is enough to be woken by. Remove one first."))
    if not form.is_valid():
        return _page(request, form)
    with transaction.atomic():
        for membership in Membership.objects.filter(user=user).select_related("program").order_by("program_id"):
            contacts.add_contact(user, membership.program, form.cleaned_data["channel"], form.cleaned_data["address"])
        staff_log.note(user, Event.CONTACTS_CHANGED)
    messages.success(request, now_("Added. Send it a test page now, so that you know it wakes you."))
    return redirect("console:reached")


@open_to(JUST_UNLOCKED)
@require_POST
def remove(request: ConsoleRequest, contact_id: UUID) -> HttpResponse:
    """Remove one, in all of one's programs."""
    user = request.user
    rows = _same(user, contact_id)
    with transaction.atomic():
        for contact in rows:
            contacts.forget(contact)
        staff_log.note(user, Event.CONTACTS_CHANGED)
    messages.success(request, now_("Removed. No page goes there any more."))
    if not _ways(user) and (OnCall.objects.filter(user=user).exists() or Shift.objects.filter(user=user).exists()):
        messages.warning(request, now_("You are on call, and nothing is left to reach you by."))
    return redirect("console:reached")


@open_to(UNLOCKED)
@require_POST
def test(request: ConsoleRequest, contact_id: UUID) -> HttpResponse:
    """Send a test page."""
    try:
        drills.ask(_same(request.user, contact_id)[0], now=timezone.now())
    except drills.TooSoon:
        messages.info(request, now_("One is on its way. Wait a minute before you send another."))
    else:
        messages.success(request, now_("A test page is on its way."))
    return redirect("console:reached")


@open_to(UNLOCKED)
@require_POST
def came(request: ConsoleRequest, contact_id: UUID) -> HttpResponse:
    """Say that a test mail is there."""
    drills.came(_same(request.user, contact_id)[0])
    return redirect("console:reached")


def _same(user: User, contact_id: UUID) -> list[Contact]:
    """The rows of one telephone or mailbox of one's own, that one first."""
    asked = get_object_or_404(Contact.objects.exclude(sealed=b""), pk=contact_id, user=user)
    others = Contact.objects.filter(user=user, channel=asked.channel, address_mac=asked.address_mac)
    return [asked, *others.exclude(pk=asked.pk)]


def _ways(user: User) -> list[Way]:
    found: dict[tuple[str, bytes], Way] = {}
    rows: Iterable[Contact] = Contact.objects.filter(user=user).exclude(sealed=b"").select_related("drill")
    for contact in rows:
        key = (contact.channel, bytes(contact.address_mac))
        drill = getattr(contact, "drill", None)
        if key not in found or (drill is not None and found[key].drill is None):
            found[key] = Way(contact, _address(contact), drill)
    order = [Channel.SMS, Channel.VOICE, Channel.EMAIL]
    return sorted(found.values(), key=lambda way: (order.index(Channel(way.first.channel)), way.address))


def _address(contact: Contact) -> str:
    try:
        return contacts.open_address(contact)
    except SealBroken:
        return now_("unreadable: remove it and add it again")


def _bad(channel: str) -> str:
    if channel == Channel.EMAIL:
        return now_("This is not an e-mail address. Write it like ada@example.org.")
    return now_("Write the number with the code of its country, like +1 416 555 0123.")


def _page(request: ConsoleRequest, form: AddForm) -> HttpResponse:
    ways = _ways(request.user)
    context = {
        "here": "you",
        "form": form,
        "ways": ways,
        "nobody": not any(way.first.active for way in ways),
        "waiting": any(way.drill and way.drill.state in {DrillState.WAITING, DrillState.SENT} for way in ways),
    }
    return render(request, "console/reached.html", context, status=422 if form.errors else 200)
