"""python -m benchmarks.epoch: one live worker host's key of the hour, so that every tip gets its wrap for it."""

from datetime import timedelta

import django
from django.utils import timezone


def main() -> None:
    django.setup()
    from intake import keys
    from intake.models import EpochKey
    from tipline.kernel import wraps

    public = wraps.public_key(wraps.new_seed())
    key = EpochKey(host="benchmark", public_key=public, usable_until=timezone.now() + timedelta(hours=2))
    key.tag = keys.epoch_tag(key)
    key.save(force_insert=True)


if __name__ == "__main__":
    main()
