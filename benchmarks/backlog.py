"""A queue of routine tips nobody has assessed yet, put in as the owner of a scratch installation.

python -m benchmarks.backlog TIPS
"""

import sys

import django

django.setup()

from django.utils import timezone  # noqa: E402

from intake import actions  # noqa: E402
from intake.message import Identity, Message  # noqa: E402
from intake.models import Program  # noqa: E402

TEXT = "The people at number {} put their rubbish into the creek every Sunday, and nobody says a word about it."


def main(tips: int) -> None:
    """Store so many tips as the form does."""
    program = Program.objects.get()
    for number in range(tips):
        message, key = Message(text=TEXT.format(number)), f"benchmark-backlog-{number:08}"
        actions.submit(program, message, Identity(), channel="web", key=key, now=timezone.now())


if __name__ == "__main__":
    main(int(sys.argv[1]))
