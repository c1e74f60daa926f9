"""Show who may do what on the console, or write it into the docs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from triage.console import permissions_page


class Command(BaseCommand):
    help = "Print the table of permissions as it is in force; --write puts it into docs/permissions.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/permissions.md")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            permissions_page.PAGE.write_text(permissions_page.page(), encoding="utf-8")
            self.stdout.write("docs/permissions.md is current.")
        else:
            self.stdout.write(permissions_page.page())
