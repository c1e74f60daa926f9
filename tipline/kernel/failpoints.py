"""Places where a test may kill a process to see what survives. Inert unless the test settings arm one.

`arm` is called once by the house with the name in force; nothing else reads it.
"""

import os
import signal

_armed: str | None = None


def arm(name: str | None) -> None:
    """Kill this process when it reaches the named place."""
    global _armed  # noqa: PLW0603  one switch for the process, set once at its start
    _armed = name or None


def reach(name: str) -> None:
    """Die here, at once and without clean-up, if this place is armed."""
    if _armed == name:
        os.kill(os.getpid(), signal.SIGKILL)
