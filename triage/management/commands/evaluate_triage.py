"""Measure the classifier on labelled tips. Prints figures; only the HTML report holds words of tips."""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from triage.classify import classify_with, public
from triage.classify.decide import version_of
from triage.classify.evaluate import assess
from triage.classify.labelled import LabelError, held_tips, read
from triage.classify.model import WEIGHTS, Model, ModelError, read_model
from triage.classify.page import html_report
from triage.classify.reporting import side_by_side, text_report


class Command(BaseCommand):
    help = "Measure the classifier on files of labelled tips (see docs/triage-model.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE.jsonl")
        parser.add_argument("--held", action="store_true", help="measure on the tips no training learns from")
        parser.add_argument(
            "--public", nargs="+", type=Path, default=[], metavar="FILE.jsonl", help="public texts with partial labels"
        )
        parser.add_argument("--most", type=int, default=1000, help="texts read of each public file (0: all)")
        parser.add_argument("--model", type=Path, default=WEIGHTS, help="weights to measure, instead of the shipped")
        parser.add_argument("--compare", type=Path, metavar="OTHER_MODEL", help="other weights, shown side by side")
        parser.add_argument(
            "--html", type=Path, metavar="REPORT.html", help="write a report that quotes the worst errors"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tips = read(options["files"]) + (held_tips() if options["held"] else [])
            texts = [(path.stem, public.read(path, max(0, options["most"]))) for path in options["public"]]
            model = read_model(options["model"])
            other = read_model(options["compare"]) if options["compare"] else None
        except (LabelError, ModelError, OSError) as error:
            raise CommandError(str(error)) from None
        if not tips and not texts:
            raise CommandError("There is no tip in these files.")
        if texts:
            answer = partial(classify_with, model)
            self.stdout.write(public.report((name, public.measure(records, answer)) for name, records in texts))
        if tips:
            pairs = assess(tips, partial(classify_with, model))
            self.stdout.write(f"{version_of(model)}\n" + text_report(pairs))
            if other is not None:
                self._compare(pairs, model, other)
            if options["html"]:
                options["html"].write_text(html_report(pairs, version_of(model)), encoding="utf-8")
                self.stdout.write(f"Wrote {options['html']}. It quotes tips: keep it where tips may be kept.")

    def _compare(self, pairs: list[Any], model: Model, other: Model) -> None:
        theirs = assess([tip for tip, _ in pairs], partial(classify_with, other))
        self.stdout.write("\n" + side_by_side(pairs, theirs, (model.version, other.version)))
