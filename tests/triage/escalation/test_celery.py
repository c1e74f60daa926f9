"""Celery must cost little: it is only the hint to hurry; and a worker outlives its broker."""

import logging

import pytest
from celery.fixups.django import DjangoWorkerFixup
from celery.signals import task_postrun
from django.db import connection

from tipline.celery import app


@pytest.mark.django_db(transaction=True)
def test_a_worker_keeps_its_connection_from_task_to_task():
    connection.ensure_connection()
    kept = connection.connection

    DjangoWorkerFixup(app).on_task_prerun(app.Task)
    DjangoWorkerFixup(app).on_task_postrun(app.Task)

    assert connection.connection is kept


@pytest.mark.django_db(transaction=True)
def test_a_worker_lets_go_of_a_connection_that_broke():
    connection.ensure_connection()
    connection.connection.close()
    connection.errors_occurred = True

    task_postrun.send(sender=app.Task)

    assert connection.connection is None


def test_a_worker_whose_redis_was_killed_loses_only_its_connection():
    with app.connection_for_read() as lost:
        queue = lost.SimpleQueue("reconnecting")
        queue.put("a hint")
        message = queue.get(timeout=10)
        # What is left of a channel once the worker has given up its connection.
        message.channel._disconnect_pools()
        lost.transport.client = None

        message.ack_log_error(logging.getLogger("test"), lost.connection_errors)
        lost.close()

    assert not message.acknowledged
    with app.connection_for_read() as back:
        assert back.ensure_connection(max_retries=1).connected
