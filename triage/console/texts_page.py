"""The page on which a program's people write their own texts: whom to call, what to say, ready answers."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from intake.models import Program
from triage.audit.chain import Event, record
from triage.console import programs, texts
from triage.console.requests import ConsoleRequest
from triage.models import ProgramText, TextKind

MOST = 200
"""Texts of one program; more is a mistake."""


class TextForm(forms.ModelForm):  # type: ignore[type-arg]
    """One text."""

    class Meta:
        model = ProgramText
        fields = ("kind", "title", "body", "language")
        labels = {
            "title": gettext_lazy("Who, or what for"),
            "body": gettext_lazy("The words"),
            "language": gettext_lazy("Language of an answer, e.g. en"),
        }


@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Show all texts; ours where the program has none."""
    return _page(request, None)


@require_POST
@transaction.atomic
def save(request: ConsoleRequest) -> HttpResponse:
    """Write a new text, or another in place of one. The first of a kind brings ours along, to be changed."""
    program = programs.program(request)
    if program is None:
        raise Http404
    old = request.POST.get("id")
    row = get_object_or_404(ProgramText, pk=_uuid(old), program=program) if old else ProgramText(program=program)
    before = row.kind
    form = TextForm(request.POST, instance=row)
    own = ProgramText.objects.filter(program=program)
    if own.count() >= MOST and not old:
        form.add_error(None, _("These are too many texts. Remove some first."))
    if not form.is_valid():
        return _page(request, form, status=422)
    kind = TextKind(form.cleaned_data["kind"])
    if not own.filter(kind=kind).exists():
        ProgramText.objects.bulk_create(
            ProgramText(program=program, kind=kind, title=each.title, body=each.body, language=each.language)
            for each in texts.ours(kind, program)
        )
    written = form.save(commit=False)
    # The console may change the words of a text, and not whose it is.
    written.save(update_fields=("kind", "title", "body", "language") if old else None)
    _note(request, program, before, kind)
    messages.success(request, _("Saved. The pages of tips say so from now on."))
    return redirect("console:texts")


@require_POST
@transaction.atomic
def remove(request: ConsoleRequest) -> HttpResponse:
    """Remove a text; with the last of a kind ours come back."""
    asked = request.POST.get("id", "")
    if not asked:
        messages.warning(request, _("Nothing was changed."))
        return redirect("console:texts")
    program = programs.program(request)
    if program is None:
        raise Http404
    row = get_object_or_404(ProgramText, pk=_uuid(asked), program=program)
    row.delete()
    _note(request, program, row.kind)
    messages.success(request, _("Removed."))
    return redirect("console:texts")


def _note(request: ConsoleRequest, program: Program, *kinds: str) -> None:
    """Put on record who changed whom to call: a wrong number there sends help nowhere."""
    if TextKind.CONTACT in kinds:
        record(program, Event.CALL_CONTACTS_CHANGED, actor=request.user, now=timezone.now())


def _page(request: ConsoleRequest, form: TextForm | None, status: int = 200) -> HttpResponse:
    program = programs.program(request)
    if program is None:
        raise Http404
    found = texts.of(program)
    parts = [
        (TextKind.CONTACT, found.contacts),
        (TextKind.SAY, found.say),
        (TextKind.NOT_SAY, found.not_say),
        (TextKind.REPLY, found.replies),
    ]
    context = {"here": "texts", "parts": parts, "form": form, "variables": texts.VARIABLES, "program": program}
    return render(request, "console/texts.html", context, status=status)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
