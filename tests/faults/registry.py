"""What a fault is, and the list of them all. The modules beside this one put theirs in."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.bench import Bench, Finding

Run = Callable[[Bench], Finding]


class CannotPutIn(Exception):
    """This machine lacks what it takes to put the fault in. Says what."""


@dataclass(frozen=True)
class Fault:
    """One row of the matrix; `run` is None where no machine of ours can put it in, and `why` says so."""

    number: int
    name: str
    injected: str
    expected: str
    late: float | None = None
    """Seconds from the receipt, or from the end of what was put in, to the first accepted page, at most."""
    duplicates: int = 0
    """Messages that may come a second time, at most."""
    run: Run | None = None
    why: str = ""
    quick: bool = False
    """Whether it runs with every `scripts/test`."""


ALL: dict[int, Fault] = {}


def fault(
    number: int,
    name: str,
    injected: str,
    expected: str,
    *,
    late: float | None = None,
    duplicates: int = 0,
    quick: bool = False,
) -> Callable[[Run], Run]:
    """Enter a fault; what is decorated puts it in and returns what came of it, or fails, or raises CannotPutIn."""

    def enter(run: Run) -> Run:
        _enter(Fault(number, name, injected, expected, late, duplicates, run, quick=quick))
        return run

    return enter


def not_run(number: int, name: str, injected: str, expected: str, why: str) -> None:
    """Enter a fault that cannot be put in, with the reason."""
    _enter(Fault(number, name, injected, expected, why=why))


def _enter(fault: Fault) -> None:
    assert fault.number not in ALL, f"fault {fault.number} is entered twice"
    ALL[fault.number] = fault
