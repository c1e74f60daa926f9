"""Requests with the rights that their door has in PostgreSQL: tests own the tables, the doors do not."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse
from psycopg import Connection
from psycopg.pq import TransactionStatus

Answer = Callable[[HttpRequest], HttpResponse]


def as_console(get_response: Answer) -> Answer:
    return _as("tipline_console", get_response)


def as_public(get_response: Answer) -> Answer:
    return _as("tipline_public", get_response)


def _as(role: str, get_response: Answer) -> Answer:
    """A middleware: the outermost, so that what the others ask is asked with the same rights."""

    def answer(request: HttpRequest) -> HttpResponse:
        connection.ensure_connection()
        # Past Django, which would count it among the queries of the page.
        session: Connection = connection.connection
        session.execute(f"SET ROLE {role}")
        try:
            return get_response(request)
        finally:
            # A failed transaction takes no more statements; its end takes the role back as well.
            if not session.closed and session.info.transaction_status != TransactionStatus.INERROR:
                session.execute("RESET ROLE")

    return answer
