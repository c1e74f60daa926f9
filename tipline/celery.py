"""The task queue: a hint to hurry. The rows are the truth, and the escalators find what it loses."""

import os
import sys

from celery import Celery
from celery.signals import task_postrun
from django.conf import settings
from django.db import close_old_connections

from tipline import reconnecting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tipline.settings")

reconnecting.mend()
app = Celery("tipline")
app.conf.update(
    broker_url=settings.BROKER_URL or "memory://",
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "health_check_interval": 25,
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_soft_time_limit=20,
    task_time_limit=30,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0.5},
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=15,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    task_routes={
        "triage.tasks.assess_newest": {"queue": "triage_new"},
        "triage.tasks.assess": {"queue": "triage"},
        "triage.tasks.deliver": {"queue": "page"},
    },
)
# Celery would connect to PostgreSQL anew for every task, which costs more than the task.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
app.autodiscover_tasks(["triage"])


@task_postrun.connect  # type: ignore[untyped-decorator]
def keep_good_connections(**_: object) -> None:
    """Close the thread's connection if it broke, and have a kept one looked at before its next use."""
    close_old_connections()
