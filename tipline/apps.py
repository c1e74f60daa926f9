"""The house as a Django app: holds the commands that serve every room, and arms the tests' fail points."""

from django.apps import AppConfig
from django.conf import settings

from tipline import logs
from tipline.kernel import failpoints


class TiplineConfig(AppConfig):
    name = "tipline"

    def ready(self) -> None:
        if settings.ROLE != "owner":
            logs.hush()
        if settings.TESTING:
            failpoints.arm(settings.FAILPOINT)
