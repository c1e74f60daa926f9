"""Storm mode: what one person hears of pages that join another of the same event.

Each keeps its own row, its own ladder and its own due time; only what is sent is gathered. A step of
such a page asks that the people of the step get a digest: one a minute for each phone and mailbox,
and none while one waits, which counts whatever is open when it goes out.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from triage import rows
from triage.models import Channel, Contact, Escalation

EVERY = timedelta(seconds=60)
CHANNELS = (Channel.SMS, Channel.EMAIL)
"""A call that only counts pages would keep the line busy for the page that is news."""

# In one order, so that two who tell the same people never wait for each other in a circle.
_TELL = """
WITH free AS (
    SELECT id FROM triage_contact WHERE id = ANY(%(contacts)s::uuid[]) AND (digest_at IS NULL OR digest_at <= %(now)s)
    ORDER BY id FOR NO KEY UPDATE
), told AS (
    UPDATE triage_contact contact
    SET digest_at = greatest(%(now)s, contact.digest_at + %(every)s, (
        SELECT min(opened_at) FROM triage_escalation WHERE incident = %(incident)s AND state <> 'ended') + %(every)s)
    FROM free WHERE contact.id = free.id RETURNING contact.id, user_id, channel, digest_at
)
INSERT INTO triage_notification (id, program_id, escalation_id, user_id, contact_id, channel, kind, step, loop, state,
                                 due_at, attempts, provider, provider_reference, code_used, code_misses, generation)
SELECT gen_random_uuid(), %(program)s, %(page)s, user_id, id, channel, 'digest', %(step)s, %(loop)s, 'pending',
       digest_at, 0, '', '', false, 0, 0
FROM told ON CONFLICT DO NOTHING
"""


def tell(page: Escalation, contacts: Sequence[Contact], step: int, loop: int, now: datetime) -> list[Contact]:
    """See that these people hear of this page and its like; returns those who can only be told of it by itself.

    Called in the climb's transaction: the digest is a row before anything is sent.
    """
    gathered = [contact for contact in contacts if contact.channel in CHANNELS]
    values = {
        "contacts": [contact.pk for contact in gathered],
        "now": now,
        "every": EVERY,
        "incident": page.incident,
        "program": page.program_id,
        "page": page.pk,
        "step": step,
        "loop": loop,
    }
    rows.run(_TELL, values)
    reached = {contact.user_id for contact in gathered}
    return [contact for contact in contacts if contact.user_id not in reached]
