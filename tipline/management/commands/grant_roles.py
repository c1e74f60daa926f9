"""Give each process's PostgreSQL role exactly the rights of tipline/grants.py."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from tipline import grants


class Command(BaseCommand):
    help = "Apply the table of rights in tipline/grants.py. Run it after every migrate."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in grants.statements():
                cursor.execute(statement)
