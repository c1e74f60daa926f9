"""Measure the classifier on labelled tips. Prints figures; only the HTML report holds words of tips."""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from triage.classify import classify_with
from triage.classify.evaluate import assess
from triage.classify.labelled import LabelError, read
from triage.classify.model import WEIGHTS, ModelError, read_model
from triage.classify.page import html_report
from triage.classify.reporting import side_by_side, text_report


class Command(BaseCommand):
    help = "Measure the classifier on files of labelled tips (see docs/triage-model.md)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
        parser.add_argument("--model", type=Path, default=WEIGHTS, help="weights to measure, instead of the shipped")
        parser.add_argument("--compare", type=Path, metavar="OTHER_MODEL", help="other weights, shown side by side")
        parser.add_argument(
            "--html", type=Path, metavar="REPORT.html", help="write a report that quotes the worst errors"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tips = read(options["files"])
            model = read_model(options["model"])
            other = read_model(options["compare"]) if options["compare"] else None
        except (LabelError, ModelError, OSError) as error:
            raise CommandError(str(error)) from None
        if not tips:
            raise CommandError("There is no tip in these files.")
        pairs = assess(tips, partial(classify_with, model))
        self.stdout.write(text_report(pairs))
        if other is not None:
            theirs = assess(tips, partial(classify_with, other))
            self.stdout.write("\n" + side_by_side(pairs, theirs, (model.version, other.version)))
        if options["html"]:
            options["html"].write_text(html_report(pairs, model.version), encoding="utf-8")
            self.stdout.write(f"Wrote {options['html']}. It quotes tips: keep it where tips may be kept.")
