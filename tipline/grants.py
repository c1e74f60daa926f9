"""What each process may do in PostgreSQL: one table, applied after every migration.

A role gets what is written here and nothing else. Row-level security narrows it further: the
street door sees the one conversation whose words were typed, and a worker host only wraps made
for worker hosts.
"""

CANARY = "ca9a4900-0000-4000-8000-00000000ca9a"
"""The program of `watch`'s own test tips (intake.models)."""

# Who is on call: these two act with the rights of whoever asks.
_ROTA = ("triage_on_call(uuid, timestamptz)", "triage_shift_spans(uuid, date, date)")
# What a role may do through a function of the database; those named here by themselves act with their owner's rights.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "watch": ("triage_forget_canaries()", "triage_erase_due(integer)", *_ROTA),
    "triage": ("triage_mix_rows(integer)", *_ROTA),
    "page": _ROTA,
    "custodian": _ROTA,
    "console": _ROTA,
}

ROLES = ("public", "pager", "console", "triage", "page", "watch", "custodian")

ALL = "SELECT, INSERT, UPDATE, DELETE"

# Who is to be told: no address, no key.
LADDERS = {
    "triage_user": "SELECT (id, is_active)",
    "triage_membership": "SELECT (id, program_id, user_id, role)",
    "triage_oncall": "SELECT",
    "triage_shift": "SELECT",
    "triage_cover": "SELECT",
    "intake_program": "SELECT (id, timezone)",
    "triage_ladder": "SELECT",
    "triage_ladderstep": "SELECT",
    "triage_recusal": "SELECT (program_id, case_id, user_id)",
}

GRANTS: dict[str, dict[str, str]] = {
    "public": {
        "intake_program": "SELECT",
        "intake_logo": "SELECT",
        "intake_programkey": "SELECT",
        "intake_epochkey": "SELECT",
        "intake_tip": "INSERT, SELECT (id, program_id, follows_id, number, status, identity_removed_on),"
        " UPDATE (sealed_identity, identity_removed_on)",
        "intake_receipt": "INSERT, SELECT, DELETE",
        "intake_reply": "SELECT",
        "intake_wrap": "INSERT, SELECT, DELETE",
        "intake_due": "INSERT",
        "intake_submissionkey": "INSERT, SELECT (id, mac, body_tag, spent), UPDATE (spent)",
    },
    "pager": {"triage_pagerevent": "INSERT", "triage_heartbeat": "SELECT"},
    "triage": {
        **LADDERS,
        "intake_program": "SELECT, UPDATE (readers, promise, changed_on)",
        "intake_programkey": "SELECT (id, program_id, purpose, retired)",
        "intake_epochkey": "SELECT, INSERT, DELETE",
        "intake_due": "SELECT, INSERT, UPDATE (lease_owner, lease_until, generation), DELETE",
        "intake_tip": "SELECT (id, program_id, follows_id, status, week, sealed)",
        "intake_wrap": "SELECT, DELETE",
        "intake_submissionkey": "SELECT (id, drop_after), DELETE",
        "triage_assessment": "SELECT (tip_id, program_id, urgency), INSERT",
        "triage_auditentry": "SELECT (id, program_id, number, digest), INSERT",
        "triage_case": "SELECT, INSERT, UPDATE (urgency, unread, status, taken_by_id, version)",
        "triage_contact": "SELECT (id, program_id, user_id, channel, active)",
        "triage_pagecounter": "SELECT, INSERT, UPDATE (last)",
        "triage_escalation": "SELECT (id, program_id, tip_id, page_number, state, incident), INSERT",
        "triage_incidentsignature": "SELECT, INSERT, DELETE",
        "triage_notification": "INSERT",
        "triage_qualityreview": "SELECT (program_id, oversight, case_id, drawn_on), INSERT",
        # How many can open tips stands on the form, and the day that text changed.
        "triage_grant": "SELECT (id, program_id, program_key_id, user_id, invitation_id)",
        "triage_invitation": "SELECT (id, user_id)",
        "triage_heartbeat": "SELECT, INSERT, UPDATE",
        "django_session": "SELECT (expire_date), DELETE",
        "triage_identityrequest": "SELECT (until), DELETE",
    },
    "page": {
        **LADDERS,
        "triage_case": "SELECT, UPDATE (status, taken_by_id, unread, version)",
        "triage_escalation": "SELECT, UPDATE (state, taken_by_id, times_taken, next_at, snapshot, step, loop)",
        "triage_notification": "SELECT, INSERT, UPDATE",
        "triage_attempt": "SELECT, INSERT",
        "triage_contact": "SELECT, UPDATE (active, failing, digest_at)",
        "triage_drill": "SELECT, UPDATE (state)",
        "triage_pagerevent": "SELECT, UPDATE (lease_until), DELETE",
        "triage_auditentry": "SELECT (id, program_id, number, digest), INSERT",
        "triage_heartbeat": "SELECT, INSERT, UPDATE",
        "triage_measure": "SELECT, INSERT, UPDATE (value)",
    },
    "watch": {
        # The tips of its own test program, and no others (POLICIES).
        "intake_program": "SELECT",
        "intake_programkey": "SELECT",
        "intake_tip": "INSERT",
        "intake_receipt": "INSERT",
        "intake_wrap": "INSERT",
        "intake_submissionkey": "INSERT",
        "intake_due": "INSERT, SELECT (id)",
        # It erases through a function alone; what is due, the function says.
        "triage_erasure": "SELECT, UPDATE (mirrored)",
        "triage_alarm": "SELECT, INSERT, UPDATE (due_at), DELETE",
        "triage_user": "SELECT (id, is_active)",
        "triage_contact": "SELECT (id, program_id, user_id, channel, active, failing, sealed)",
        "triage_membership": "SELECT (id, program_id, user_id, role)",
        "triage_oncall": "SELECT (id, program_id, user_id, position)",
        "triage_shift": "SELECT",
        "triage_cover": "SELECT",
        "triage_auditentry": "SELECT (id, program_id, number, hour, actor_id, event, tip_id, digest), INSERT",
        "triage_case": "SELECT (id, program_id, tip_id, oversight, urgency, status, unread)",
        "triage_escalation": "SELECT (id, program_id, case_id, urgency, state, opened_at, next_at)",
        "triage_notification": "SELECT (id, escalation_id, channel, kind, due_at, accepted_at, lease_until)",
        "triage_attempt": "SELECT",
        "intake_epochkey": "SELECT",
        "triage_measure": "SELECT, INSERT, UPDATE (value, held)",
        "triage_heartbeat": "SELECT, INSERT, UPDATE",
    },
    "console": {
        # How many people must agree to what is not among them.
        "intake_program": "SELECT, UPDATE (name, timezone, duty_hours, emergency_number, text_emergency, crisis_line,"
        " trafficking_hotline, duty_text)",
        # The public door believes no row of it that is not in the file of pins.
        "intake_programkey": "SELECT, INSERT, UPDATE (retired)",
        "intake_epochkey": "SELECT",
        # A tip taken over the phone is stored here as at the public door.
        "intake_tip": "SELECT, INSERT, UPDATE (status)",
        "intake_receipt": "SELECT (id, program_id, tip_id, public_key, lookup), INSERT",
        "intake_reply": "SELECT, INSERT",
        "intake_wrap": "SELECT, INSERT",
        "intake_due": "SELECT (id, program_id, tip_id), INSERT",
        "intake_submissionkey": "INSERT, SELECT (id, mac, body_tag, spent), UPDATE (spent)",
        # PostgreSQL locks a row only for those who may update a column of it.
        "triage_user": "SELECT, INSERT, UPDATE (name, password, is_active)",
        "triage_invitation": "SELECT, INSERT, UPDATE (used), DELETE",
        "triage_membership": "SELECT, INSERT, UPDATE (role), DELETE",
        "triage_personkey": "SELECT, INSERT, DELETE",
        "triage_grant": "SELECT, INSERT, DELETE",
        "triage_apitoken": "SELECT, INSERT, DELETE",
        "triage_keylink": "SELECT, INSERT",
        "triage_keptsecret": "SELECT, INSERT, DELETE",
        "triage_recoverykey": "SELECT, INSERT, UPDATE (replaced), DELETE",
        "triage_oncall": "SELECT, DELETE",
        "triage_shift": ALL,
        "triage_cover": ALL,
        "triage_assessment": "SELECT",
        "triage_case": "SELECT, UPDATE (urgency, status, taken_by_id, unread, version, incident, apart, outcome,"
        " waiting, handed, look_again_at)",
        "triage_correction": "SELECT, INSERT",
        "triage_note": "SELECT, INSERT",
        "triage_pendingcheck": "SELECT, INSERT, UPDATE (did, by_id, due_at), DELETE",
        "triage_programtext": "SELECT, INSERT, UPDATE (kind, title, body, language), DELETE",
        "triage_savedviews": "SELECT, INSERT, UPDATE (sealed), DELETE",
        "triage_identityrequest": "SELECT, INSERT, UPDATE (agreed_by_id), DELETE",
        "triage_qualityreview": "SELECT, UPDATE (level, by_id)",
        "triage_recusal": "SELECT, INSERT, DELETE",
        # What somebody had in hand who steps aside pages again; administrators change them.
        "triage_ladder": "SELECT, UPDATE (loop_after)",
        "triage_ladderstep": "SELECT, INSERT, DELETE",
        "triage_pagecounter": "SELECT, INSERT, UPDATE (last)",
        "triage_boardsheet": "SELECT, INSERT, UPDATE (version, sealed)",
        "triage_auditentry": "SELECT, INSERT",
        # A person sees their own, and enters them.
        "triage_contact": "SELECT, INSERT, UPDATE (active, failing, sealed, address_mac, sealed_digits)",
        "triage_drill": "SELECT, INSERT, UPDATE (state), DELETE",
        "triage_escalation": "SELECT, INSERT, UPDATE",
        "triage_notification": "SELECT, INSERT, UPDATE",
        "triage_attempt": "SELECT",
        "triage_measure": "SELECT",
        "triage_heartbeat": "SELECT",
        # "Is it running?" says that nobody is on call.
        "triage_alarm": "SELECT (program_id, kind)",
        "triage_retentionrule": "SELECT, INSERT, UPDATE (days)",
        "triage_finished": "SELECT",
        "triage_legalhold": "SELECT, INSERT, DELETE",
        "triage_eraserequest": "SELECT, INSERT, UPDATE (agreed_by_id), DELETE",
        "triage_erasure": "SELECT",
        "triage_custodian": "SELECT",
        "triage_handover": "SELECT (id, custodian_id, program_key_id), INSERT",
        "triage_job": "SELECT, INSERT, UPDATE (total, done, broken, raised, finished)",
        "django_session": ALL,
        "django_content_type": "SELECT",
        "mfa_authenticator": ALL,
    },
    "custodian": {
        # What it sorts anew and finds to be worse pages as a new tip does.
        **LADDERS,
        "triage_contact": "SELECT (id, program_id, user_id, channel, active)",
        "triage_pagecounter": "SELECT, INSERT, UPDATE (last)",
        "triage_escalation": "SELECT, INSERT, UPDATE",
        "triage_notification": "INSERT",
        "triage_auditentry": "SELECT (id, program_id, number, digest), INSERT",
        "intake_programkey": "SELECT",
        "intake_tip": "SELECT (id, program_id, follows_id, number, sealed, sealed_identity),"
        " UPDATE (sealed, sealed_identity)",
        "intake_reply": "SELECT (id, program_id, tip_id, sealed), UPDATE (sealed)",
        "intake_wrap": "SELECT, INSERT, DELETE",
        "triage_assessment": "SELECT, UPDATE (sealed, urgency, judged, version)",
        "triage_case": "SELECT, UPDATE (urgency, status, taken_by_id, version)",
        "triage_correction": "SELECT (id, case_id, sealed), UPDATE (sealed)",
        "triage_note": "SELECT (id, case_id, sealed), UPDATE (sealed)",
        "triage_keylink": "SELECT, DELETE",
        "triage_custodian": ALL,
        "triage_handover": "SELECT, UPDATE (sealed), DELETE",
        "triage_job": "SELECT, UPDATE (done, broken, raised, finished)",
        "triage_heartbeat": "SELECT, INSERT, UPDATE",
    },
}

# {table: [(policy, role, command, USING, WITH CHECK)]}; a table named here shows a role only what a policy allows.
CONVERSATION = "lookup = decode(nullif(current_setting('tipline.lookup', true), ''), 'hex')"
# Only constants are put together here.
MY_TIP = f"(SELECT tip_id FROM intake_receipt WHERE {CONVERSATION})"
MY_TIPS = f"(id IN {MY_TIP} OR follows_id IN {MY_TIP})"
MY_IDENTITY = "(purpose = 'identity' AND tip_id IN (SELECT id FROM intake_tip))"
# What is sealed to a program's key: not to a worker host's, and not to a receipt's.
_OF_PROGRAMS = "purpose IN ('content', 'identity', 'oversight')"
CANARYS = f"program_id = '{CANARY}'"
POLICIES: dict[str, list[tuple[str, str, str, str | None, str | None]]] = {
    "intake_receipt": [
        ("public_make", "public", "INSERT", None, "true"),
        ("public_own", "public", "SELECT", CONVERSATION, None),
        ("public_lock", "public", "DELETE", CONVERSATION, None),
        ("watch_make", "watch", "INSERT", None, CANARYS),
        ("console_all", "console", "ALL", "true", "true"),
    ],
    "intake_tip": [
        ("public_make", "public", "INSERT", None, "true"),
        ("public_own", "public", "SELECT", MY_TIPS, None),
        # Who the sender is can be taken back, and not be changed.
        ("watch_make", "watch", "INSERT", None, CANARYS),
        ("public_withdraw", "public", "UPDATE", MY_TIPS, f"{MY_TIPS} AND sealed_identity = ''::bytea"),
        *((f"{role}_all", role, "ALL", "true", "true") for role in ("console", "triage", "custodian")),
    ],
    "intake_reply": [
        ("public_own", "public", "SELECT", f"tip_id IN {MY_TIP}", None),
        *((f"{role}_all", role, "ALL", "true", "true") for role in ("console", "custodian")),
    ],
    "intake_wrap": [
        ("public_make", "public", "INSERT", None, "true"),
        (
            "public_own",
            "public",
            "SELECT",
            f"(tip_id IN {MY_TIP} AND purpose = 'oversight')"
            f" OR (purpose = 'receipt' AND reply_id IN (SELECT id FROM intake_reply)) OR {MY_IDENTITY}",
            None,
        ),
        ("public_withdraw", "public", "DELETE", MY_IDENTITY, None),
        ("watch_make", "watch", "INSERT", None, CANARYS),
        # That a tip was wrapped to the oversight key says whose board it belongs on.
        ("triage_see", "triage", "SELECT", "purpose IN ('epoch', 'oversight')", None),
        ("triage_drop", "triage", "DELETE", "purpose = 'epoch'", None),
        ("console_all", "console", "ALL", "purpose <> 'epoch'", "purpose <> 'epoch'"),
        ("console_make", "console", "INSERT", None, "purpose = 'epoch'"),
        ("custodian_programs", "custodian", "ALL", _OF_PROGRAMS, _OF_PROGRAMS),
    ],
}


# No temporary tables: a role keeps nothing but in the tables it was given.
_CLOSE_DATABASE = f"""
DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO {", ".join(f"tipline_{role}" for role in ROLES)}',
                   current_database());
END $$
"""


def statements() -> list[str]:
    """Return the SQL that takes every right away and gives back what stands above."""
    sql = [
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        # PostgreSQL lets everybody call a new function, and a restored one is new.
        "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC",
        _CLOSE_DATABASE,
    ]
    for role in ROLES:
        name = f"tipline_{role}"
        sql += [
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {name}",
            f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM {name}",
            f"GRANT USAGE ON SCHEMA public TO {name}",
        ]
        for table, rights in GRANTS.get(role, {}).items():
            sql.append(f"GRANT {rights} ON {table} TO {name}")
        sql += [f"GRANT EXECUTE ON FUNCTION {function} TO {name}" for function in FUNCTIONS.get(role, ())]
    for table, policies in POLICIES.items():
        sql.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for policy, role, command, using, check in policies:
            sql.append(f"DROP POLICY IF EXISTS {policy} ON {table}")
            clauses = (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")
            sql.append(f"CREATE POLICY {policy} ON {table} FOR {command} TO tipline_{role}{clauses}")
    return sql
