"""`scripts/manage`: manage.py with the environment of the installation that runs here."""

import os
import sys
from typing import NoReturn

from tipline.runner.environment import Installation
from tipline.runner.lock import Lock
from tipline.runner.up import ROOT, places


def main(arguments: list[str]) -> NoReturn:
    """Becomes manage.py; ends with status 1 if nothing runs here."""
    here = places()
    holder = Lock.holder(here.state / "up.lock")
    if holder is None:
        sys.exit("Nothing runs here: start scripts/up first, in another terminal.")
    environment = Installation(here, holder["port"], os.environ).owner_environment()
    manage = str(ROOT / "manage.py")
    os.execve(sys.executable, [sys.executable, manage, *arguments], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
