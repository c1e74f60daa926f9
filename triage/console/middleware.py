"""What every console request passes: nothing is open that is not marked so and not in the table of permissions."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from triage.console import permissions, programs, unlocking
from triage.console.requests import (
    ANYONE,
    JUST_UNLOCKED,
    PASS_PHRASE_ONLY,
    PASSKEY_ALONE,
    UNLOCKED,
    AnyRequest,
    whom,
)
from triage.models import User
from triage.vault import second, session


class UnlockMiddleware:
    """Carries the unlocked key through one request, ends idle and old sessions, guards every view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: AnyRequest) -> HttpResponseBase:
        request.vault = None
        now = timezone.now()
        user = request.user
        if isinstance(user, User) and user.pk:
            if session.is_over(request, now=now):
                logout(request)
            elif session.is_idle(request, now=now):
                session.drop(request)
            elif second.passed(request):
                request.vault = session.take(request, user.pk)
                # A page that asks by itself is nobody at the keyboard.
                if not request.htmx:
                    session.touch(request, now=now)
        response = self.get_response(request)
        session.write_cookie(request, response)
        return response

    def process_view(
        self, request: AnyRequest, view: Callable[..., HttpResponseBase], *_: Any
    ) -> HttpResponseBase | None:
        """Send strangers to sign in, half-signed-in people to their second factor, the locked to unlock."""
        allowed = whom(view)
        if allowed == ANYONE:
            return None if permissions.is_door(request) else _not_yours(request)
        user = request.user
        if not isinstance(user, User):
            return _elsewhere(request, "account_login", back=True)
        if allowed == PASS_PHRASE_ONLY:
            return None
        if not second.passed(request):
            if not second.enrolled(user):
                return _elsewhere(request, "console:second_factor")
            logout(request)
            return _elsewhere(request, "account_login", back=True)
        if permissions.refused(request):
            return _not_yours(request)
        # Only now: a session that may not see the page learns nothing of what it takes.
        no_such_method = _method_of_nobody(request)
        if allowed == PASSKEY_ALONE:
            return no_such_method
        if not session.words_given(request):
            return unlocking.in_place(request, unlocking.WITHOUT_WORDS)
        if request.vault is None and allowed in {UNLOCKED, JUST_UNLOCKED}:
            return unlocking.in_place(request, unlocking.LOCKED)
        if allowed == JUST_UNLOCKED and not session.is_fresh(request, now=timezone.now()):
            return unlocking.in_place(request, unlocking.STALE)
        return no_such_method


def _elsewhere(request: AnyRequest, name: str, *, back: bool = False) -> HttpResponse:
    target = reverse(name)
    if request.htmx:
        # The page around it is stale: let the browser load it anew, and be sent on from there.
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if back and request.method == "GET" and request.path != "/":
        target = f"{target}?{urlencode({'next': request.get_full_path()})}"
    return redirect(target)


def _method_of_nobody(request: AnyRequest) -> HttpResponse | None:
    match = request.resolver_match
    if match is None or permissions.rule_of(match).roles(request.method or "GET"):
        return None
    return HttpResponseNotAllowed(permissions.methods(match))


def _not_yours(request: AnyRequest) -> HttpResponse:
    """Say that this is not for the person's role; somebody who reads no tips has another first page than the board."""
    match = request.resolver_match
    if match is not None and match.view_name == "console:board":
        return redirect("console:start")
    if request.htmx:
        return HttpResponse(status=403)
    here = programs.current(request)
    return render(request, "console/not_yours.html", {"role": here.get_role_display() if here else ""}, status=403)
