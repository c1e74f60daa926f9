"""What each process may do in PostgreSQL: one table, applied after every migration.

A role gets what is written here and nothing else. Row-level security narrows it further: the
street door sees the one conversation whose words were typed, and a worker host only wraps made
for worker hosts.
"""

ROLES = ("public", "pager", "console", "triage", "page", "watch", "custodian")

ALL = "SELECT, INSERT, UPDATE, DELETE"

GRANTS: dict[str, dict[str, str]] = {
    "public": {
        "intake_program": "SELECT",
        "intake_programkey": "SELECT",
        "intake_epochkey": "SELECT",
        "intake_tip": "INSERT, SELECT (id, program_id, follows_id, number, status)",
        "intake_receipt": "INSERT, SELECT, DELETE",
        "intake_reply": "SELECT",
        "intake_wrap": "INSERT, SELECT",
        "intake_due": "INSERT",
        "intake_submissionkey": "INSERT, SELECT (id, mac, body_tag, spent), UPDATE (spent)",
    },
    "pager": {"triage_pagerevent": "INSERT"},
}

# {table: [(policy, role, command, USING, WITH CHECK)]}; a table named here shows a role only what a policy allows.
CONVERSATION = "lookup = decode(nullif(current_setting('tipline.lookup', true), ''), 'hex')"
# Only constants are put together here.
MY_TIP = f"(SELECT tip_id FROM intake_receipt WHERE {CONVERSATION})"
POLICIES: dict[str, list[tuple[str, str, str, str | None, str | None]]] = {
    "intake_receipt": [
        ("public_make", "public", "INSERT", None, "true"),
        ("public_own", "public", "SELECT", CONVERSATION, None),
        ("public_lock", "public", "DELETE", CONVERSATION, None),
        ("console_all", "console", "ALL", "true", "true"),
    ],
    "intake_tip": [
        ("public_make", "public", "INSERT", None, "true"),
        ("public_own", "public", "SELECT", f"id IN {MY_TIP} OR follows_id IN {MY_TIP}", None),
        *((f"{role}_all", role, "ALL", "true", "true") for role in ("console", "triage", "page", "watch")),
    ],
    "intake_reply": [
        ("public_own", "public", "SELECT", f"tip_id IN {MY_TIP}", None),
        ("console_all", "console", "ALL", "true", "true"),
    ],
    "intake_wrap": [
        ("public_make", "public", "INSERT", None, "true"),
        (
            "public_own",
            "public",
            "SELECT",
            f"(tip_id IN {MY_TIP} AND purpose = 'oversight')"
            " OR (purpose = 'receipt' AND reply_id IN (SELECT id FROM intake_reply))",
            None,
        ),
        ("triage_epoch", "triage", "ALL", "purpose = 'epoch'", "purpose = 'epoch'"),
        ("console_all", "console", "ALL", "purpose <> 'epoch'", "purpose <> 'epoch'"),
    ],
}


def statements() -> list[str]:
    """Return the SQL that takes every right away and gives back what stands above."""
    sql = ["REVOKE ALL ON SCHEMA public FROM PUBLIC"]
    for role in ROLES:
        name = f"tipline_{role}"
        sql += [
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {name}",
            f"GRANT USAGE ON SCHEMA public TO {name}",
        ]
        for table, rights in GRANTS.get(role, {}).items():
            sql.append(f"GRANT {rights} ON {table} TO {name}")
    for table, policies in POLICIES.items():
        sql.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for policy, role, command, using, check in policies:
            sql.append(f"DROP POLICY IF EXISTS {policy} ON {table}")
            clauses = (f" USING ({using})" if using else "") + (f" WITH CHECK ({check})" if check else "")
            sql.append(f"CREATE POLICY {policy} ON {table} FOR {command} TO tipline_{role}{clauses}")
    return sql
