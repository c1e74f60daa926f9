"""Handing out the one-time codes of a program's first people."""

from collections.abc import Callable, Mapping

from django.conf import settings

from triage.models import Invitation

FILE = "first-sign-in.txt"
Say = Callable[[str], object]


def hand_out(codes: Mapping[str, str], say: Say) -> None:
    """Say the codes, once.

    On one machine under one user a file hides nothing more; it spares a newcomer who cleared the screen.
    """
    if settings.LOCAL:
        path = settings.STATE_DIR / FILE
        path.touch(mode=0o600)
        with path.open("a", encoding="ascii") as file:
            file.write("".join(f"{name} {code}\n" for name, code in codes.items()))
    for name, code in codes.items():
        say(_line(name, code))


def repeat(say: Say) -> None:
    """Say those again that nobody has used, as far as they were kept, and forget the others."""
    path = settings.STATE_DIR / FILE
    if not path.exists():
        return
    waiting = set(Invitation.objects.filter(used=False).values_list("user__username", flat=True))
    codes = dict(line.split(" ", 1) for line in path.read_text(encoding="ascii").splitlines())
    if not waiting & set(codes):
        path.unlink()
    for name, code in codes.items():
        if name in waiting:
            say(_line(name, code))


def _line(name: str, code: str) -> str:
    return f"First sign-in  {settings.CONSOLE_URL}/first/  name: {name}  one-time code: {code}"
