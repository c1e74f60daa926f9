"""The web form, the receipt, and the way back to an answer. No JavaScript, no cookie, no GET that changes anything."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from intake import actions, keys
from intake.channels import nonce, origin, pages, whose
from intake.channels.forms import FollowUpForm, TipForm
from intake.channels.visit import Visit
from intake.channels.whose import Here
from intake.models import TipStatus
from tipline.kernel.receipts import Phrase

View = Callable[..., HttpResponse]

STATES = {
    TipStatus.RECEIVED: lambda: _("No person has opened it yet."),
    TipStatus.OPENED: lambda: _("A person has opened what you sent."),
    TipStatus.CLOSED: lambda: _("A person has read what you sent, and has finished with it."),
}


def readable_body(view: View) -> View:
    """Answer what cannot be read, is too large, or comes from another site's page, before the view looks at it."""

    @wraps(view)
    def guarded(request: HttpRequest, here: Here, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            if origin.foreign(request):
                return pages.error(
                    request,
                    here,
                    _("This did not come from our own page."),
                    _(
                        "Another site tried to send something here, so we did not take it. "
                        "Open our form yourself and write there."
                    ),
                    status=403,
                )
            try:
                request.POST  # noqa: B018  parsing happens here
            except RequestDataTooBig:
                return pages.error(
                    request,
                    here,
                    _("That is too much at once."),
                    _("Go back: what you wrote is still there. Shorten it to 100,000 characters, or send it in parts."),
                    status=413,
                )
            except (MultiPartParserError, SuspiciousOperation, UnicodeDecodeError, OSError):
                return pages.error(
                    request,
                    here,
                    _("We could not read what came."),
                    _("Something broke on the way, and nothing was stored. Go back and press Send again."),
                    status=400,
                )
        return view(request, here, *args, **kwargs)

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@whose.of_a_program
@readable_body
def form(request: HttpRequest, here: Here) -> HttpResponse:
    """The form, and the receipt after sending."""
    now = timezone.now()
    if request.method != "POST":
        return pages.blank_form(here, now)
    typed = TipForm(request.POST)
    if not typed.is_valid():
        return pages.tip_form(request, here, typed, now, status=_status(typed))
    key = nonce.key_of(request.POST.get("nonce", ""), now, here.base)
    if key is None:
        typed.add_error(None, _("This page was open for too long. What you wrote is still here: press Send once more."))
        return pages.tip_form(request, here, typed, now, status=400)
    try:
        done = actions.submit(here.program, typed.message(), typed.identity(), channel="web", key=key, now=now)
    except actions.KeyReused:
        typed.add_error(
            None,
            _("Something else was sent from this page already. To send this as well, press Send once more."),
        )
        return pages.tip_form(request, here, typed, now, status=409)
    except (DatabaseError, keys.KeyNotTrusted):
        typed.add_error(None, _cannot_store())
        return _try_later(pages.tip_form(request, here, typed, now, status=503, again=request.POST["nonce"]))
    danger = typed.cleaned_data["danger"] == "yes"
    if done.phrase is None:
        return pages.show(request, here, "intake/receipt.html", {"danger": danger, "already": True})
    return pages.receipt(here, done.phrase, danger=danger, sent_with=request.POST["nonce"], now=now)


@require_http_methods(["GET", "HEAD", "POST"])
@whose.of_a_program
@readable_body
def answers(request: HttpRequest, here: Here) -> HttpResponse:
    """Come back with the words or the numbers."""
    now = timezone.now()
    if request.method != "POST":
        return pages.answers(request, here, now)
    # What cannot be words is looked up as words that nobody has: no refusal is quicker than another.
    if token := request.POST.get("visit"):
        visit = Visit.of(token, now, here.base) or Visit(Phrase.random(), nonce.make(now, here.base))
        page = visit.nonce
    else:
        phrase = Phrase.parse(request.POST.get("phrase", "")) or Phrase.random()
        page = request.POST.get("nonce", "")
        page = page if nonce.key_of(page, now, here.base) else nonce.make(now, here.base)
        visit = Visit(phrase, page)
    if _left(page, now, here):
        return _gone()
    try:
        return _conversation(request, here, visit)
    except actions.NoSuchReceipt:
        return pages.answers(request, here, now, error=True)


def in_a_visit(away: Callable[[HttpRequest, Here], HttpResponse]) -> Callable[[Callable[..., HttpResponse]], View]:
    """Let in who came with their words before, in this visit; `away` answers while nothing can be stored.

    A visit that is over, one that was left and a code already locked answer alike in every view.
    """

    def guard(view: Callable[[HttpRequest, Here, Visit, datetime], HttpResponse]) -> View:
        @require_POST
        @whose.of_a_program
        @readable_body
        @wraps(view)
        def guarded(request: HttpRequest, here: Here) -> HttpResponse:
            now = timezone.now()
            visit = Visit.of(request.POST.get("visit", ""), now, here.base)
            if visit is None:
                return _visit_over(request, here)
            try:
                return _gone() if _left(visit.nonce, now, here) else view(request, here, visit, now)
            except actions.NoSuchReceipt:
                return pages.answers(request, here, now, error=True)
            except (DatabaseError, keys.KeyNotTrusted):
                return _try_later(away(request, here))

        return guarded

    return guard


def _not_sent(request: HttpRequest, here: Here) -> HttpResponse:
    return pages.error(
        request,
        here,
        _("Not sent yet"),
        _cannot_store(),
        status=503,
        typed=request.POST.get("text", ""),
        nonce=request.POST.get("nonce", ""),
        visit=request.POST.get("visit", ""),
        again=request.path,
    )


def _not_locked(request: HttpRequest, here: Here) -> HttpResponse:
    said = _("We cannot change anything just now: your words still work. Go back and press the button in a minute.")
    return pages.error(request, here, _("Not locked yet"), said, status=503)


def _not_removed(request: HttpRequest, here: Here) -> HttpResponse:
    said = _("We cannot change anything just now: nothing was removed. Go back and press the button in a minute.")
    return pages.error(request, here, _("Not removed yet"), said, status=503)


@in_a_visit(_not_sent)
def follow_up(request: HttpRequest, here: Here, visit: Visit, now: datetime) -> HttpResponse:
    """Add something: it is treated like a tip."""
    typed = FollowUpForm(request.POST)
    if not typed.is_valid():
        return _conversation(request, here, visit, form=typed, status=_status(typed))
    key = nonce.key_of(request.POST.get("nonce", ""), now, here.base)
    if key is None:
        typed.add_error(None, _("This page was open for too long. What you wrote is still here: press Send once more."))
        return _conversation(request, here, visit, form=typed, status=400)
    try:
        actions.follow_up(here.program, visit.phrase, typed.message(), channel="web", key=key, now=now)
    except actions.KeyReused:
        typed.add_error(
            None,
            _("Something else was sent from this page already. To send this as well, press Send once more."),
        )
        return _conversation(request, here, visit, form=typed, status=409)
    return _conversation(request, here, visit, sent=True)


@in_a_visit(_not_locked)
def lock(request: HttpRequest, here: Here, visit: Visit, now: datetime) -> HttpResponse:
    """Make the words lead nowhere, for ever."""
    if request.POST.get("confirm") != "yes":
        return _conversation(request, here, visit, status=422, lock_error=True)
    actions.lock(here.program, visit.phrase)
    return pages.show(request, here, "intake/locked.html", {})


@in_a_visit(_not_removed)
def withdraw(request: HttpRequest, here: Here, visit: Visit, now: datetime) -> HttpResponse:
    """Take back who one is. The answer is the same whether anything was there: it tells a finder nothing."""
    actions.withdraw_identity(here.program, visit.phrase, now=now)
    return _conversation(request, here, visit, withdrawn=True)


@require_http_methods(["GET", "HEAD", "POST"])
@whose.of_a_program
@readable_body
def noted(request: HttpRequest, here: Here) -> HttpResponse:
    """What to do before putting the phone down."""
    if request.method == "POST":
        _spend(request, here)
        return _see_other(f"{here.base}noted/")
    return pages.show(request, here, "intake/noted.html", {})


@require_http_methods(["GET", "HEAD", "POST"])
@whose.of_a_program
@readable_body
def leave(request: HttpRequest, here: Here) -> HttpResponse:
    """A page that says nothing: one for all programs, so that its address names none."""
    if request.method == "POST":
        _spend(request, here)
        return _gone()
    if here.base != whose.ROOT:
        return _gone()
    return render(request, "intake/leave.html")


def _spend(request: HttpRequest, here: Here) -> None:
    """Show the words of a receipt that is left no more. Leaving works also while the database is away."""
    now = timezone.now()
    if key := nonce.key_of(request.POST.get("nonce", ""), now, here.base):
        with suppress(DatabaseError):
            actions.spend(here.program, key, now)


def _left(page: str, now: datetime, here: Here) -> bool:
    """Whether the visit that began on the page with this nonce was left."""
    key = nonce.key_of(page, now, here.base)
    return key is not None and actions.is_spent(key)


def _gone() -> HttpResponse:
    """What Back and Reload show of a visit that was left: the page that says nothing."""
    return _see_other(reverse("intake:leave"))


def _see_other(to: str) -> HttpResponse:
    response = redirect(to)
    response.status_code = 303
    return response


@require_safe
@whose.of_a_program
def logo(request: HttpRequest, here: Here) -> HttpResponse:
    """The picture above the form. No page needs it to be understood, and none but the form shows it."""
    found = whose.logo(here)
    if found is None:
        raise Http404
    return HttpResponse(bytes(found.png), content_type="image/png")


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """That this process answers; nothing more is said to strangers."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@whose.of_its_address
def not_found(request: HttpRequest, here: Here) -> HttpResponse:
    """404."""
    return pages.error(
        request, here, _("There is no such page."), _("Look at the address, or go to the form."), status=404
    )


@whose.of_its_address
def bad_request(request: HttpRequest, here: Here) -> HttpResponse:
    """400."""
    return pages.error(
        request,
        here,
        _("We could not read what came."),
        _("Something broke on the way, and nothing was stored. Go back and press Send again."),
        status=400,
    )


@whose.of_its_address
def broken(request: HttpRequest, here: Here) -> HttpResponse:
    """500: say that it is our fault, and keep nothing of it."""
    typed = request.POST.get("text", "") if request.method == "POST" and _parsed(request) else ""
    return pages.error(
        request,
        here,
        _("Something broke here."),
        _("It is our fault, not yours. Please try again in a minute."),
        status=500,
        typed=typed,
        nonce=nonce.make(timezone.now(), here.base) if typed else "",
    )


def _parsed(request: HttpRequest) -> bool:
    return isinstance(getattr(request, "_post", None), QueryDict)


def _status(typed: FollowUpForm) -> int:
    too_long = any(error.code == "too_long" for errors in typed.errors.as_data().values() for error in errors)
    return 413 if too_long else 422


def _cannot_store() -> str:
    return _("We cannot store anything just now: nothing was sent. It is still here; press Send again in a minute.")


def _try_later(response: HttpResponse) -> HttpResponse:
    response["Retry-After"] = "10"
    return response


def _visit_over(request: HttpRequest, here: Here) -> HttpResponse:
    typed = request.POST.get("text", "")
    return pages.error(
        request,
        here,
        _("Your visit is over."),
        _("We forget a visit after half an hour. Look for your answer again with your words; then add this."),
        status=403,
        typed=typed,
    )


def _state(found: actions.Conversation) -> str:
    if found.waiting and found.status != TipStatus.RECEIVED:
        return _("A person has opened your first message, but not yet what you added.")
    return STATES[found.status]()


def _conversation(
    request: HttpRequest,
    here: Here,
    visit: Visit,
    *,
    form: FollowUpForm | None = None,
    sent: bool = False,
    status: int = 200,
    lock_error: bool = False,
    withdrawn: bool = False,
) -> HttpResponse:
    found = actions.conversation(here.program, visit.phrase)
    now = timezone.now()
    context = {
        "replies": [{"text": reply} for reply in found.replies],
        "state": _state(found),
        "followup_form": form or FollowUpForm(),
        "visit": visit.token(now, here.base),
        "spend": visit.nonce,
        "nonce": nonce.make(now, here.base),
        "sent": sent,
        "lock_error": lock_error,
        "withdrawn": withdrawn,
    }
    return pages.show(request, here, "intake/conversation.html", context, status=status)
