"""Say in plain words what is not as it should be."""

from typing import Any

from django.core.management.base import BaseCommand

from triage import doctor


class Command(BaseCommand):
    help = "Say in plain words what is well and what is not; ends with 1 if something is not."

    def handle(self, *args: Any, **options: Any) -> None:
        found = doctor.findings()
        for finding in found:
            self.stdout.write(f"{'ok   ' if finding.well else 'LOOK '} {finding.text}")
        if not all(finding.well for finding in found):
            raise SystemExit(1)
