"""Train the classifier's model from the labelled tips in the repository; the same tips give the same weights."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from triage.classify import guard
from triage.classify.labelled import held_tips
from triage.classify.model import WEIGHTS, ModelError, read_model


class Command(BaseCommand):
    help = "Train the triage model from the checked-in tips (needs requirements-dev.txt) and write its weights."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to write the weights")
        parser.add_argument("--skip", default="", help="leave out tips whose file name begins so (w1 or a03,a08)")
        parser.add_argument("--curve", action="store_true", help="print the learning curve and write nothing")
        parser.add_argument(
            "--anyway", action="store_true", help="write the weights even if they miss danger the shipped ones find"
        )
        parser.add_argument("--limit", type=int, default=0, help="use only every n-th tip, for a quick look")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from triage.classify import fitting
        except ImportError:
            raise CommandError("Training needs SciPy: install requirements-dev.txt.") from None
        if options["curve"]:
            fitting.learning_curve(say=self.stdout.write)
            return
        out: Path = options["out"]
        # Beside the place it is meant for, so that putting it there is one step: nobody reads half a file.
        fresh = out.with_name(f".{out.name}.new.npz")
        try:
            version = fitting.train(fresh, skip=options["skip"], every=max(1, options["limit"]), say=self.stdout.write)
            self._hold_against_the_shipped(fresh, anyway=options["anyway"])
            fresh.replace(out)
        finally:
            fresh.unlink(missing_ok=True)
        self.stdout.write(f"Wrote {out.name}, version {version}.")

    def _hold_against_the_shipped(self, fresh: Path, *, anyway: bool) -> None:
        """Stop weights that lose recall where somebody must be woken."""
        try:
            shipped = read_model(WEIGHTS)
        except (OSError, ModelError):
            self.stdout.write("There are no weights to hold these against.")
            return
        lost = guard.losses(held_tips(), shipped, read_model(fresh))
        for loss in lost:
            self.stdout.write(f"Loses recall on {loss}.")
        if lost and not anyway:
            raise CommandError("The new weights miss danger that the shipped ones find; nothing was written.")
        if not lost:
            self.stdout.write("Held against the shipped weights on the fixed tips: no paging category loses recall.")
