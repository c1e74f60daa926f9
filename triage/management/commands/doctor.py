"""Say in plain words what is not as it should be."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from triage import doctor
from triage.doctor import Level

SIGNS = {Level.WELL: "ok   ", Level.LOOK: "LOOK ", Level.GRAVE: "GRAVE"}
EXIT = {Level.WELL: 0, Level.LOOK: 1, Level.GRAVE: 2}


class Command(BaseCommand):
    help = "Say in plain words what is well and what is not. Ends with 1 if something needs a look, 2 if it is grave."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for a monitor: a list of level, text, do")

    def handle(self, *args: Any, **options: Any) -> None:
        worst, found = Level.WELL, []
        for finding in doctor.findings():
            worst = max(worst, finding.level, key=list(Level).index)
            found.append(finding)
            if not options["json"]:
                self.stdout.write(f"{SIGNS[finding.level]} {finding.text}")
                if finding.do:
                    self.stdout.write(f"      Do this: {finding.do}")
        if options["json"]:
            told = [{"level": str(one.level), "text": one.text, "do": one.do} for one in found]
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        if worst != Level.WELL:
            raise SystemExit(EXIT[worst])
