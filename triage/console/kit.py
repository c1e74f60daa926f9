"""The recovery kit: make it, print its sheets, prove that they are on paper, add one's own keys."""

import hmac

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from intake.models import Purpose
from tipline.kernel import wraps
from triage.console.people import own_program, vault_of
from triage.console.requests import JUST_UNLOCKED, UNLOCKED, ConsoleRequest, open_to
from triage.vault import recovery, session, sheets

DRAFT = "recovery kit"
MOST = 7


class SizeForm(forms.Form):
    """How many sheets, and how many of them are needed."""

    sheets = forms.TypedChoiceField(
        label=_("Sheets"), coerce=int, choices=[(n, str(n)) for n in range(2, MOST + 1)], initial=recovery.SHEETS
    )
    threshold = forms.TypedChoiceField(
        label=_("Needed to open"), coerce=int, choices=[(n, str(n)) for n in range(2, MOST + 1)],
        initial=recovery.THRESHOLD,
    )  # fmt: skip

    def clean(self) -> None:
        if self.cleaned_data.get("threshold", 0) > self.cleaned_data.get("sheets", MOST):
            raise forms.ValidationError(_("No more sheets can be needed than there are."))


class ChecksForm(forms.Form):
    """The check word of each sheet, typed from the paper."""

    def __init__(self, *args: object, made: recovery.Draft, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.made = made
        for number in range(1, len(made.lines) + 1):
            self.fields[f"check{number}"] = forms.CharField(
                label=_("Check word of sheet %(number)s") % {"number": number},
                max_length=40,
                error_messages={"required": _("Type the check word from sheet %(number)s.") % {"number": number}},
            )

    def clean(self) -> None:
        for number, check in enumerate(self.made.checks, start=1):
            typed = str(self.cleaned_data.get(f"check{number}", "")).strip().casefold()
            if typed and not hmac.compare_digest(typed.encode(), check.encode()):
                self.add_error(f"check{number}", _("This is not the word on sheet %(number)s.") % {"number": number})


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """Say how the program stands with its kit, and what one can do."""
    program, unlocked = own_program(request), vault_of(request)
    found = recovery.state(program)
    mine = [purpose for purpose in found.missing if unlocked.program_seed(program, purpose) is not None]
    context = {
        "here": "people",
        "program": program,
        "kit": found.kit,
        "missing": [Purpose(purpose).label for purpose in found.missing],
        "mine": bool(mine),
        "print": _fours(wraps.fingerprint(bytes(found.kit.public_key))) if found.kit else "",
        "form": SizeForm(),
        "begun": session.shown(request, DRAFT) is not None,
    }
    return render(request, "console/kit.html", context)


@open_to(JUST_UNLOCKED)
@require_POST
def begin(request: ConsoleRequest) -> HttpResponse:
    """Make a kit that does not count yet."""
    form = SizeForm(request.POST)
    if not form.is_valid():
        messages.error(request, now_("No more sheets can be needed than there are."))
        return redirect("console:kit")
    size = form.cleaned_data
    made = recovery.draft(own_program(request), threshold=size["threshold"], sheets=size["sheets"])
    session.hide(request, DRAFT, made.to_text())
    return redirect("console:kit_sheets")


@open_to(UNLOCKED)
@require_http_methods(["GET", "POST"])
def print_sheets(request: ConsoleRequest) -> HttpResponse:
    """Lead to the sheets, and let the kit count once the check word of each was typed."""
    made = _draft(request)
    if made is None:
        return redirect("console:kit")
    program = own_program(request)
    form = ChecksForm(request.POST or None, made=made)
    if request.method == "POST" and form.is_valid():
        recovery.confirm(program, made, by=request.user, unlocked=vault_of(request), now=timezone.now())
        session.forget(request, DRAFT)
        messages.success(request, now_("The kit counts from now on. Give each sheet to its keeper today."))
        return redirect("console:kit")
    context = {
        "here": "people",
        "program": program,
        "form": form,
        "numbers": range(1, len(made.lines) + 1),
        "threshold": made.threshold,
        "count": len(made.lines),
    }
    return render(request, "console/kit_sheets.html", context, status=422 if form.errors else 200)


@open_to(UNLOCKED)
@require_safe
def sheet(request: ConsoleRequest, number: int) -> HttpResponse:
    """Hand out one sheet, while the kit is being made and never after."""
    made = _draft(request)
    if made is None or not 1 <= number <= len(made.lines):
        raise Http404
    page = sheets.pdf(made, number, program=own_program(request).name)
    headers = {"Content-Disposition": f'attachment; filename="sheet-{number}.pdf"'}
    return HttpResponse(page, content_type="application/pdf", headers=headers)


@open_to(JUST_UNLOCKED)
@require_POST
def join(request: ConsoleRequest) -> HttpResponse:
    """Add the keys one holds to a kit somebody else printed."""
    try:
        recovery.join(own_program(request), by=request.user, unlocked=vault_of(request), now=timezone.now())
    except recovery.NotVouched:
        messages.error(request, now_("This kit was changed in the database. Add nothing to it; call your operator."))
    else:
        messages.success(request, now_("The kit now holds your keys too."))
    return redirect("console:kit")


@open_to(UNLOCKED)
@require_POST
def give_up(request: ConsoleRequest) -> HttpResponse:
    """Drop a kit that was begun; sheets printed of it open nothing."""
    session.forget(request, DRAFT)
    return redirect("console:kit")


def _draft(request: ConsoleRequest) -> recovery.Draft | None:
    text = session.shown(request, DRAFT)
    return recovery.Draft.from_text(text) if text else None


def _fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, 32, 4))
