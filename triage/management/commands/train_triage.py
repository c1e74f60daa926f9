"""Train the classifier's model from the labelled tips in the repository; the same tips give the same weights."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from triage.classify.model import WEIGHTS


class Command(BaseCommand):
    help = "Train the triage model from the checked-in tips (needs requirements-dev.txt) and write its weights."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to write the weights")
        parser.add_argument("--skip", default="", help="leave out tips whose file name begins so (w1, a03)")
        parser.add_argument("--limit", type=int, default=0, help="use only every n-th tip, for a quick look")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from triage.classify import fitting
        except ImportError:
            raise CommandError("Training needs SciPy: install requirements-dev.txt.") from None
        version = fitting.train(
            options["out"], skip=options["skip"], every=max(1, options["limit"]), say=self.stdout.write
        )
        self.stdout.write(f"Wrote {options['out'].name}, version {version}.")
