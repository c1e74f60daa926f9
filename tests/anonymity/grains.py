"""How finely each column of the database may tell a time. A column that is not here has no business being there.

`test_time.py` holds the database against it; docs/threat-model.md says it in words ("What time is kept").
"""

from datetime import datetime, timedelta

# Grains. Those of work are gone, or coarsened, when the work is done.
WEEK, DAY, HOUR, QUARTER = timedelta(days=7), timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
WHILE_PAGING = "to the second, while a page is open; the hour afterwards, or nothing"
WHILE_WAITING = "to the second, while somebody has it in hand; nothing afterwards"
NOW = "when something was last alive: always now"
OF_STAFF = "of people who work here, never of a sender"

Grain = timedelta | str
# {table: {column: grain}}
OF_TIPS: dict[str, dict[str, Grain]] = {
    "intake_tip": {"week": WEEK, "identity_removed_on": DAY},
    "intake_due": {"lease_until": WHILE_WAITING},
    "intake_submissionkey": {"drop_after": QUARTER},
    "triage_case": {"look_again_at": QUARTER},
    "triage_pendingcheck": {"due_at": QUARTER},
    "triage_finished": {"closed_on": DAY},
    "triage_legalhold": {"since": DAY},
    "triage_erasure": {"hour": HOUR, "last_copy_on": DAY},
    "triage_escalation": {"opened_at": WHILE_PAGING, "next_at": WHILE_PAGING},
    "triage_notification": {"due_at": WHILE_PAGING, "accepted_at": WHILE_PAGING, "lease_until": WHILE_PAGING},
    "triage_attempt": {"hour": HOUR},
    "triage_auditentry": {"hour": HOUR},
    "triage_incidentsignature": {"forget_at": HOUR},
    "triage_alarm": {"due_at": QUARTER},
    "triage_qualityreview": {"drawn_on": DAY},
    "triage_pagerevent": {"lease_until": WHILE_WAITING},
    "triage_identityrequest": {"until": OF_STAFF},
}
OF_OTHERS: dict[str, dict[str, Grain]] = {
    "intake_program": {"changed_on": DAY},
    "intake_epochkey": {"usable_until": NOW},
    "triage_contact": {"digest_at": WHILE_PAGING},
    "triage_heartbeat": {"beat_at": NOW},
    "triage_custodian": {"seen_at": NOW},
    "triage_invitation": {"expires_at": OF_STAFF},
    "triage_recoverykey": {"made_on": DAY, "drilled_on": DAY},
    "triage_keylink": {"since": DAY},
    "triage_apitoken": {"expires_on": DAY},
    "triage_drill": {"made_at": OF_STAFF},
    "triage_cover": {"day": DAY},
    "mfa_authenticator": {"created_at": OF_STAFF, "last_used_at": OF_STAFF},
    "account_emailconfirmation": {"created": "of a table that stays empty", "sent": "of a table that stays empty"},
    "django_session": {"expire_date": OF_STAFF},
    "django_admin_log": {"action_time": OF_STAFF},
    "django_migrations": {"applied": "of updates"},
}
GRAINS = OF_TIPS | OF_OTHERS


def on_grain(moment: datetime, grain: timedelta) -> bool:
    """Whether a time says no more than its grain (days begin at midnight, UTC; weeks on Mondays)."""
    if grain == WEEK:
        return moment.weekday() == 0
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return seconds % min(grain, DAY).total_seconds() == 0 and moment.microsecond == 0
