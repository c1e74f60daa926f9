"""Giving a colleague another role."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from intake.models import Purpose
from triage.console.people import REFUSALS, colleague, hand_over, own_role, refused, vault_of
from triage.console.requests import JUST_UNLOCKED, ConsoleRequest, open_to
from triage.models import Role
from triage.vault import people, promoting, roles


class RoleForm(forms.Form):
    """What they are from now on."""

    role = forms.ChoiceField(label=_("Role"), error_messages={"required": _("Choose a role.")})
    identity = forms.BooleanField(label=_("May also open submitter details"), required=False)

    def __init__(self, *args: object, roles: list[Role], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]


@open_to(JUST_UNLOCKED)
@require_http_methods(["GET", "POST"])
def change(request: ConsoleRequest, user_id: UUID) -> HttpResponse:
    """Ask which role, say what it means, then do all of it at once."""
    program, user = colleague(request, user_id)
    unlocked, giver, before = vault_of(request), own_role(request), people.role_of(program, user)
    given = [each for each in people.roles_to_give(program, unlocked, giver=giver) if each != before]
    if user == request.user or before not in roles.GIVES[giver] or not given:
        return refused(request, people.NotOneself() if user == request.user else people.NotTheirs())
    has_identity = Purpose.IDENTITY in people.purposes_of(program, user)
    gives_identity = unlocked.program_seed(program, Purpose.IDENTITY) is not None
    form = RoleForm(request.POST if "role" in request.POST else None, roles=given, initial={"identity": has_identity})
    if not form.is_valid():
        context = {
            "here": "people",
            "program": program,
            "person": user,
            "before": before,
            "form": form,
            "may_identity": gives_identity and any(each in roles.IDENTITY_TOO for each in given),
        }
        return render(request, "console/role.html", context, status=422 if form.errors else 200)
    role = Role(form.cleaned_data["role"])
    try:
        done = promoting.change_role(
            program,
            user,
            role,
            # Who holds no such key neither gives nor takes it.
            identity=form.cleaned_data["identity"] if gives_identity else has_identity,
            by=request.user,
            unlocked=unlocked,
            now=timezone.now(),
        )
    except REFUSALS as refusal:
        return refused(request, refusal)
    messages.success(request, now_("{name} is now: {role}.").format(name=user.name, role=role.label))
    if done.nobody_on_call:
        messages.warning(request, now_("Nobody is on call now. Put somebody on call."))
    for name in done.left_out:
        messages.warning(request, now_("{name} needs a new one-time code: their key was changed.").format(name=name))
    return hand_over(request, user, done.code) if done.code else redirect("console:people")
