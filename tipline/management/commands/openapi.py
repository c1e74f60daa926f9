"""`manage.py openapi`: write the descriptions of the APIs into docs/openapi, or check that they are up to date."""

from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

DESCRIPTIONS = ("intake.channels.api_description", "triage.api.description")


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is not up to date")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in DESCRIPTIONS:
            made = import_module(name)
            path = settings.BASE_DIR / "docs" / "openapi" / made.FILE
            text = made.description()
            if not options["check"]:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            elif not path.exists() or path.read_text(encoding="utf-8") != text:
                raise CommandError(f"{path.name} is not up to date: run manage.py openapi.")
