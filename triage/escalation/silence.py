"""Pages a carrier took and never said were delivered: after a while the person is told by other means.

Accepted is not delivered. Mail has no receipts, so only SMS and calls are asked for theirs; a receipt
that comes later still counts.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from triage import rows
from triage.escalation import engine, wake
from triage.models import Channel, Notification

log = logging.getLogger("tipline.escalation")

PATIENCE = timedelta(seconds=90)
WITH_RECEIPTS = (Channel.SMS, Channel.VOICE)

# Through the open pages, of which there are few. "unknown" says what is known: perhaps it was sent.
_SILENT = """
WITH silent AS (
    SELECT note.id FROM triage_escalation page JOIN triage_notification note ON note.escalation_id = page.id
    WHERE page.state = 'open' AND note.kind = 'page' AND note.state = 'accepted'
      AND note.channel = ANY(%(channels)s::text[]) AND note.accepted_at < %(since)s
    ORDER BY note.id LIMIT %(limit)s FOR NO KEY UPDATE OF note SKIP LOCKED
)
UPDATE triage_notification note SET state = 'unknown' FROM silent WHERE note.id = silent.id
RETURNING note.id, note.program_id, note.escalation_id, note.user_id, note.channel, note.step, note.loop
"""


def move_on(now: datetime, *, limit: int = 100) -> int:
    """Tell by other means whoever a carrier left without a receipt for too long; returns for how many pages."""
    rows.wait_at_most()
    with transaction.atomic():
        values = {"channels": [str(each) for each in WITH_RECEIPTS], "since": now - PATIENCE, "limit": limit}
        found = [
            Notification(
                pk=pk, program_id=program, escalation_id=page, user_id=user, channel=channel, step=step, loop=loop
            )
            for pk, program, page, user, channel, step, loop in rows.run(_SILENT, values)
        ]
        for note in found:
            engine.by_other_means(note, now)
            log.warning("notification.no_receipt %s", note.pk)
        if found:
            wake.wake_after_commit(wake.PAGE)
    return len(found)
