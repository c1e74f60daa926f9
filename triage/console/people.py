"""The people of a program: who holds what, letting the next one in, a new code, leaving."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from intake.models import Program, Purpose
from triage.console import programs
from triage.console.requests import JUST_UNLOCKED, UNLOCKED, ConsoleRequest, open_to
from triage.models import Membership, Role, User
from triage.vault import people, roles, session
from triage.vault.keys import Unlocked

REFUSALS = (people.NotHeld, people.LastHolder, people.NotOneself, people.NotTheirs)
CODE, WHOSE = "code for a colleague", "name of that colleague"


class InviteForm(forms.Form):
    """Who comes, as what."""

    name = forms.CharField(
        label=_("Name"), max_length=120, error_messages={"required": _("Type the name colleagues know them by.")}
    )
    username = forms.CharField(
        label=_("Sign-in name"),
        max_length=60,
        error_messages={"required": _("Choose a sign-in name.")},
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9._-]*\Z", _("Small letters, digits, dot and dash only."))],
    )
    role = forms.ChoiceField(label=_("Role"), error_messages={"required": _("Choose a role.")})
    identity = forms.BooleanField(label=_("May also open submitter details"), required=False)

    def __init__(self, *args: object, roles: list[Role], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]
        self.initial.setdefault("role", roles[0].value if roles else "")


@open_to(UNLOCKED)
@require_safe
def show(request: ConsoleRequest) -> HttpResponse:
    """List everybody of one's own program."""
    program, unlocked, role = own_program(request), vault_of(request), own_role(request)
    context = {
        "here": "people",
        "program": program,
        "people": people.everybody(program),
        "may_invite": bool(people.roles_to_give(program, unlocked, giver=role)),
        "may_change": roles.GIVES[role],
    }
    return render(request, "console/people.html", context)


@open_to(JUST_UNLOCKED)
@require_http_methods(["GET", "POST"])
def invite(request: ConsoleRequest) -> HttpResponse:
    """Let the next one in; their code is shown on the page that follows."""
    program, unlocked = own_program(request), vault_of(request)
    given_roles = people.roles_to_give(program, unlocked, giver=own_role(request))
    form = InviteForm(request.POST if "name" in request.POST else None, roles=given_roles)
    may_identity = unlocked.program_seed(program, Purpose.IDENTITY) is not None
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            user, code = people.let_in(
                program,
                username=given["username"],
                name=given["name"],
                role=Role(given["role"]),
                identity=given["identity"],
                by=request.user,
                unlocked=unlocked,
                now=timezone.now(),
            )
        except people.NameTaken:
            form.add_error("username", _("Somebody has, or had, this sign-in name. Choose another."))
        except people.NotTheirs:
            form.add_error("role", _("Somebody of another role lets these people in."))
        except people.NotHeld:
            form.add_error(None, _("You do not hold that key, so you cannot give it."))
        else:
            return hand_over(request, user, code)
    context = {"here": "people", "program": program, "form": form, "may_identity": may_identity}
    return render(request, "console/invite.html", context, status=422 if form.errors else 200)


@open_to(JUST_UNLOCKED)
@require_POST
def new_code(request: ConsoleRequest, user_id: UUID) -> HttpResponse:
    """Give a colleague whose pass phrase is lost another one-time code."""
    program, user = colleague(request, user_id)
    try:
        code = people.new_code(program, user, by=request.user, unlocked=vault_of(request), now=timezone.now())
    except REFUSALS as refusal:
        return refused(request, refusal)
    return hand_over(request, user, code)


@open_to(UNLOCKED)
@require_http_methods(["GET", "POST"])
def code(request: ConsoleRequest) -> HttpResponse:
    """Show the one-time code until it was handed over."""
    shown, whose = session.shown(request, CODE), session.shown(request, WHOSE)
    if request.method == "POST" or shown is None or whose is None:
        session.forget(request, CODE, WHOSE)
        return redirect("console:people")
    name, username = whose.split("\n", 1)
    context = {
        "here": "people",
        "program": own_program(request),
        "words": shown.split(),
        "name": name,
        "username": username,
        "days": people.CODE_LASTS.days,
    }
    return render(request, "console/handed_code.html", context)


@open_to(JUST_UNLOCKED)
@require_POST
def withdraw(request: ConsoleRequest, user_id: UUID) -> HttpResponse:
    """Take back a code nobody has used."""
    program, user = colleague(request, user_id)
    try:
        people.withdraw(program, user, by=request.user, unlocked=vault_of(request), now=timezone.now())
    except REFUSALS as refusal:
        return refused(request, refusal)
    messages.success(request, now_("The code opens nothing any more."))
    return redirect("console:people")


@open_to(JUST_UNLOCKED)
@require_http_methods(["GET", "POST"])
def leave(request: ConsoleRequest, user_id: UUID) -> HttpResponse:
    """Say what leaving means, then do all of it at once."""
    program, user = colleague(request, user_id)
    if request.method != "POST" or "leaves" not in request.POST:
        context = {"here": "people", "program": program, "person": user}
        return render(request, "console/leave.html", context)
    try:
        left = people.leave(program, user, by=request.user, unlocked=vault_of(request), now=timezone.now())
    except REFUSALS as refusal:
        return refused(request, refusal)
    messages.success(request, now_("{name} has left. Nothing that comes from now on opens for them.").format(name=user))
    if left.nobody_on_call:
        messages.warning(request, now_("Nobody is on call now. Put somebody on call."))
    for name in left.left_out:
        messages.warning(request, now_("{name} needs a new one-time code: their key was changed.").format(name=name))
    return redirect("console:people")


def own_program(request: ConsoleRequest) -> Program:
    """Return the program of the person who asks; nobody else's people or keys are ever shown."""
    found = programs.program(request)
    if found is None:
        raise Http404
    return found


def own_role(request: ConsoleRequest) -> Role:
    """Return what the person who asks is in that program."""
    found = programs.current(request)
    if found is None:
        raise Http404
    return Role(found.role)


def vault_of(request: ConsoleRequest) -> Unlocked:
    """Return the opened key of a request that a decorator has made sure is unlocked."""
    if request.vault is None:
        raise Http404
    return request.vault


def colleague(request: ConsoleRequest, user_id: UUID) -> tuple[Program, User]:
    """Return one's own program and somebody of its people; anybody else does not exist."""
    program = own_program(request)
    found = get_object_or_404(Membership.objects.select_related("user"), program=program, user_id=user_id)
    return program, found.user


def hand_over(request: ConsoleRequest, user: User, words: str) -> HttpResponse:
    """Go to the page that shows a one-time code until it was handed over."""
    session.hide(request, CODE, words)
    session.hide(request, WHOSE, f"{user.name}\n{user.username}")
    return redirect("console:colleagues_code")


def refused(request: ConsoleRequest, refusal: Exception) -> HttpResponse:
    """Say why nothing was changed, on the page of the people."""
    if isinstance(refusal, people.NotOneself):
        text = now_("Somebody else has to do this for you.")
    elif isinstance(refusal, people.NotTheirs):
        text = now_("Somebody of another role does this for people of this role.")
    else:
        purpose = Purpose(getattr(refusal, "purpose", Purpose.CONTENT)).label
        text = now_("Only somebody who also holds the key for “{key}” can do this.").format(key=purpose)
        if isinstance(refusal, people.LastHolder):
            text = now_(
                "Nobody else holds the key for “{key}”. Let a successor in first, and wait for their first sign-in. "
                "If the pass phrase is lost, use the recovery kit."
            ).format(key=purpose)
    messages.error(request, text)
    return redirect("console:people")
