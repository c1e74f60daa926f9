"""The house as a Django app: holds the commands that serve every room, and closes what could tell of a sender."""

from django.apps import AppConfig
from django.conf import settings

from tipline import logs, memory, unlogged
from tipline.kernel import failpoints


class TiplineConfig(AppConfig):
    name = "tipline"

    def ready(self) -> None:
        # An operator's own commands may be looked into; what serves and works may not.
        if settings.ROLE != "owner":
            logs.hush()
            memory.shut()
            memory.call_it(f"tipline-{settings.ROLE}")
            memory.lock()
            # Every process; a door looks at its server's settings, too, and once more when everything is loaded.
            unlogged.refuse([*unlogged.of_django(), *unlogged.of_reporters()])
        if settings.ROLE == "public":
            unlogged.guard_database()
        if settings.TESTING:
            failpoints.arm(settings.FAILPOINT)
