"""Several management commands in one process: loading Django once instead of once for each.

python -m tipline.runner.steps "migrate --verbosity 0" grant_roles setup
"""

import shlex
import sys

import django
from django.core.management import call_command


def main(lines: list[str]) -> None:
    """Run each command line in turn; the first failure ends the rest."""
    django.setup()
    for line in lines:
        name, *options = shlex.split(line)
        call_command(name, *options)


if __name__ == "__main__":
    main(sys.argv[1:])
