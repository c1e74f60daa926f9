"""Which program a request is about: somebody of one program never sees this, somebody of two chooses."""

from uuid import UUID

from django.http import HttpRequest

from intake.models import Program
from triage.models import Case, Membership, User

_CHOSEN, _FOUND = "program", "tipline_memberships"


def of(request: HttpRequest) -> list[Membership]:
    """Return what the person is, in each of their programs; asked of the database once a request."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return []
    found: list[Membership] | None = getattr(request, _FOUND, None)
    if found is None:
        mine = Membership.objects.filter(user=user).select_related("program")
        found = list(mine.order_by("program__name", "pk"))
        setattr(request, _FOUND, found)
    return found


def current(request: HttpRequest) -> Membership | None:
    """Return what the person is in the program they chose, or in the first of theirs."""
    mine = of(request)
    chosen = request.session.get(_CHOSEN) if len(mine) > 1 else None
    return next((each for each in mine if str(each.program_id) == chosen), mine[0] if mine else None)


def program(request: HttpRequest) -> Program | None:
    """Return the program whose people, keys and rota the pages are about."""
    found = current(request)
    return found.program if found else None


def names(request: HttpRequest) -> dict[UUID, str]:
    """Return the names of a person's programs by their ids, to tell them apart by; none for a person of one."""
    mine = of(request)
    return {each.program_id: each.program.name for each in mine} if len(mine) > 1 else {}


def choose(request: HttpRequest, program_id: UUID) -> bool:
    """Turn to another program of one's own; False if the person is not one of its people."""
    if not any(each.program_id == program_id for each in of(request)):
        return False
    request.session[_CHOSEN] = str(program_id)
    return True


def with_case(request: HttpRequest, case_id: UUID) -> list[Membership]:
    """Return what the person is in the program of this case; with one program of theirs that is not looked up."""
    mine = of(request)
    if len(mine) < 2:
        return mine
    owner = Case.objects.filter(pk=case_id).values_list("program_id", flat=True).first()
    return [each for each in mine if each.program_id == owner] or mine
