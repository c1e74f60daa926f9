"""The local outside world: a mail server, two SMS providers and everybody's phone, on one page.

`scripts/up` starts it as `python -m tipline.outbox`; tests use `with OutboxServer() as box:`.
Everything really goes over sockets, nothing leaves the machine, nothing is kept after a restart.
It knows no Django, so that it is up before anything can want to send.
"""

from tipline.outbox.messages import Message
from tipline.outbox.server import OutboxServer

__all__ = ["Message", "OutboxServer"]
