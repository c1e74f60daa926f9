"""The end of a shift: all one has in hand goes to a colleague, with one note and one press."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from intake.models import Tip
from triage.console import handling, labels, opening
from triage.console.forms import HandOverForm
from triage.console.requests import UNLOCKED, ConsoleRequest, open_to
from triage.models import User


@open_to(UNLOCKED)
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: ConsoleRequest) -> HttpResponse:
    """Ask to whom; hand over what one has."""
    mine = list(handling.mine(request.user).select_related("program", "tip").defer("tip__sealed"))
    people: dict[str, User] = {}
    for case in {(case.program_id, case.oversight): case for case in mine}.values():
        people |= {str(each.pk): each for each in handling.receivers(case, but=request.user)}
    form = HandOverForm(request.POST or None, people=list(people.values()))
    if request.method == "POST" and form.is_valid() and request.vault is not None:
        tips = Tip.objects.filter(pk__in=[case.tip_id for case in mine]).only("program_id", "follows_id", "number")
        keys = opening.data_keys(tips, request.vault)
        to, text = form.cleaned_data["to"], form.cleaned_data["text"]
        went, stay = handling.hand_over_all(to, text, by=request.user, root_keys=keys, now=timezone.now())
        said = ngettext("%(name)s has %(n)d tip from you now.", "%(name)s has %(n)d tips from you now.", went)
        messages.success(request, said % {"name": to.name, "n": went})
        if stay:
            left = ", ".join(labels.reference(case.pk) for case in stay)
            messages.warning(request, _("These stay with you: %(left)s. Open them, or pass them on.") % {"left": left})
        return redirect("console:board")
    context = {"here": "board", "form": form, "mine": [(labels.reference(case.pk), case) for case in mine]}
    return render(request, "console/hand_over.html", context, status=422 if form.is_bound else 200)
