"""What a program may do with a token: list what is open, take, and read where a key was sealed to it.

Not opening: only a person ends a page. Never who a sender is.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from intake.models import Tip
from tipline.rest.problems import Problem
from tipline.rest.views import Api, Published
from triage.api import reading, shapes
from triage.api.bearer import TokenInHeader
from triage.audit.chain import Event, record
from triage.escalation import taking
from triage.models import Case, CaseStatus, Escalation, EscalationState
from triage.models.cases import CaseQuerySet
from triage.vault.tokens import Bearer

PER_PAGE = 100


class WithToken(Api):
    """A call by a program somebody gave a token."""

    authentication_classes = [TokenInHeader]

    def bearer(self, request: Request) -> Bearer:
        """Who calls. Raises NotAuthenticated, AuthenticationFailed."""
        found: Bearer = request.auth  # type: ignore[assignment]
        if not isinstance(found, Bearer):
            raise NotAuthenticated
        return found

    def visible(self, request: Request) -> CaseQuerySet:
        """The cases that the token's person sees on the board, in the token's own program."""
        bearer = self.bearer(request)
        return Case.objects.visible_to(bearer.user).filter(program=bearer.token.program_id)

    def case(self, request: Request, case_id: UUID) -> Case:
        """One of them. Raises Http404."""
        found = self.visible(request).filter(pk=case_id).select_related("tip", "taken_by").first()
        if found is None:
            raise Http404
        return found


class Cases(WithToken):
    """The open cases, a hundred at a time, the worst first."""

    def get(self, request: Request) -> Response:
        found = self.visible(request).exclude(status=CaseStatus.CLOSED).by_urgency()
        after = _number(request.query_params.get("after", "0"))
        found = found.order_by("rank", "-unread", "pk")  # type: ignore[misc]  # by_urgency adds the rank
        cases = list(found.select_related("tip", "taken_by")[after : after + PER_PAGE])
        pages = _pages(cases)
        more = len(cases) == PER_PAGE
        said = [_case(each, pages.get(each.pk)) for each in cases]
        return Response({"cases": said, "next": after + PER_PAGE if more else None})


class OneCase(WithToken):
    """One case: what the list says of it and, where the token may read, what was written."""

    def get(self, request: Request, case_id: UUID) -> Response:
        case = self.case(request, case_id)
        said = _case(case, _pages([case]).get(case.pk))
        return Response(said)


class Text(WithToken):
    """What was written, opened with the key that was sealed to the token; each time is on record."""

    def get(self, request: Request, case_id: UUID) -> Response:
        case = self.case(request, case_id)
        bearer = self.bearer(request)
        unlocked = bearer.unlocked()
        if not unlocked.key_ids():
            raise Problem("forbidden")
        found = reading.opened(case, unlocked)
        if found is None:
            raise Problem("forbidden", "It is sealed to a key that this token does not hold.")
        reading.put_on_record(case, found, bearer, now=timezone.now())
        return Response({"messages": found.messages})


class Take(WithToken):
    """Take a case for the token's person, with every page of it that nobody has."""

    reads_body = False  # the address says it all

    def post(self, request: Request, case_id: UUID) -> Response:
        bearer = self.bearer(request)
        if not bearer.token.may_take:
            raise Problem("forbidden")
        case, now = self.case(request, case_id), timezone.now()
        try:
            with transaction.atomic():
                taking.take_case(case, by=bearer.user, now=now)
                record(case.program_id, Event.TOKEN_TOOK, actor=bearer.user, tip=_named(case), now=now)
        except taking.AlreadyTaken:
            raise Problem("conflict", "Somebody else has it in hand.") from None
        except taking.AlreadyEnded:
            raise Problem("conflict", "It is closed: there is nothing left to take.") from None
        case = self.case(request, case_id)
        return Response(_case(case, _pages([case]).get(case.pk)))


class Schema(Published):
    """The description of this API (OpenAPI 3): the same for everybody."""

    file = "console-v1.json"


def _named(case: Case) -> Tip:
    return Tip(pk=case.tip_id, program_id=case.program_id)


def _pages(cases: list[Case]) -> dict[UUID, Escalation]:
    """The running page of each case; one that nobody has taken speaks for the others."""
    found = Escalation.objects.running().filter(case__in=cases).order_by("opened_at")
    by_case: dict[UUID, Escalation] = {}
    for each in sorted(found, key=lambda page: page.state != EscalationState.OPEN):
        by_case.setdefault(each.case_id, each)
    return by_case


def _case(case: Case, page: Escalation | None) -> dict[str, Any]:
    return shapes.case(case, page, now=timezone.now())


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Problem("invalid", "The parameter `after` is a number that an earlier answer named as `next`.")
    return int(text)
