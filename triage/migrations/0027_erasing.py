"""Erasing: no role may delete a tip. `watch` may call one function, which erases what is due and nothing else.

`triage_empty_tip` deletes whatever hangs on a tip by a foreign key, tables of later migrations among it, so
that nothing is forgotten. Of the tip itself an empty row is left.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION triage_drop_hanging(parent regclass, ids uuid[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
DECLARE
    hanging record;
    found uuid[];
BEGIN
    FOR hanging IN
        SELECT con.conrelid::regclass AS child, att.attname AS col
        FROM pg_constraint con
        JOIN pg_attribute att ON att.attrelid = con.conrelid AND att.attnum = con.conkey[1]
        WHERE con.contype = 'f' AND con.confrelid = parent AND con.conrelid <> 'intake_tip'::regclass
        ORDER BY 1, 2
    LOOP
        EXECUTE format('SELECT array_agg(id) FROM %s WHERE %I = ANY($1)', hanging.child, hanging.col)
            INTO found USING ids;
        IF found IS NOT NULL THEN
            PERFORM triage_drop_hanging(hanging.child, found);
            EXECUTE format('DELETE FROM %s WHERE id = ANY($1)', hanging.child) USING found;
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION triage_empty_tip(root uuid, OUT messages integer, OUT replies integer) LANGUAGE plpgsql
SET search_path = pg_catalog, public SET lock_timeout = '2s' AS $$
DECLARE
    tips uuid[];
BEGIN
    -- Locks are taken in the order of everybody else's: the case, its escalations, their notifications.
    PERFORM 1 FROM triage_case WHERE tip_id = root FOR UPDATE;
    PERFORM 1 FROM triage_escalation e JOIN triage_case c ON c.id = e.case_id
        WHERE c.tip_id = root ORDER BY e.id FOR UPDATE OF e;
    PERFORM 1 FROM triage_notification n JOIN triage_escalation e ON e.id = n.escalation_id
        JOIN triage_case c ON c.id = e.case_id WHERE c.tip_id = root ORDER BY n.id FOR UPDATE OF n;
    SELECT array_agg(id) INTO tips FROM (
        SELECT id FROM intake_tip WHERE id = root OR follows_id = root ORDER BY id FOR UPDATE
    ) AS held;
    messages := coalesce(cardinality(tips), 0);
    SELECT count(*) INTO replies FROM intake_reply WHERE tip_id = ANY(tips);
    IF messages = 0 THEN
        RETURN;
    END IF;
    -- The sheets are copies, sealed to a key we do not have: they are made again from the tips that are left.
    DELETE FROM triage_boardsheet b USING intake_tip t WHERE t.id = root AND b.program_id = t.program_id;
    DELETE FROM triage_incidentsignature s USING triage_escalation e
        WHERE e.tip_id = ANY(tips) AND s.program_id = e.program_id AND s.incident = e.incident;
    PERFORM triage_drop_hanging('intake_tip'::regclass, tips);
    UPDATE intake_tip SET sealed = '', sealed_identity = '', status = 'erased', identity_removed_on = NULL
        WHERE id = ANY(tips);
END
$$;

CREATE FUNCTION triage_erase_due(most integer) RETURNS SETOF uuid LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public SET lock_timeout = '2s' AS $$
DECLARE
    canary CONSTANT uuid := 'ca9a4900-0000-4000-8000-00000000ca9a';
    -- How many days a backup of the keys is kept (triage.keeping.rules.WRAPS_KEPT).
    kept CONSTANT integer := 35;
    today CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
    one record;
    gone record;
    made uuid;
BEGIN
    INSERT INTO triage_retentionrule (id, program_id, ended, days)
    SELECT gen_random_uuid(), p.id, d.ended, d.days
    FROM intake_program p CROSS JOIN (VALUES
        ('spam', 30), ('prank', 30), ('test', 30), ('misuse', 90), ('duplicate', 365),
        ('unfounded', 730), ('false', 730), ('', 730), ('resolved', 1825), ('passed_on', 1825)
    ) AS d(ended, days)
    WHERE p.id <> canary
    ON CONFLICT DO NOTHING;

    DELETE FROM triage_finished f USING triage_case c WHERE c.id = f.case_id AND c.status <> 'closed';
    INSERT INTO triage_finished (id, program_id, case_id, closed_on)
    SELECT gen_random_uuid(), c.program_id, c.id, today FROM triage_case c
    WHERE c.status = 'closed' AND c.program_id <> canary
    ON CONFLICT DO NOTHING;

    FOR one IN
        SELECT c.id, c.tip_id, c.program_id, c.oversight, k.ended, r.asked_by_id, r.agreed_by_id
        FROM triage_finished f
        JOIN triage_case c ON c.id = f.case_id
        -- As JSON: how a case ended is a column of a later migration.
        JOIN triage_retentionrule k ON k.program_id = c.program_id
            AND k.ended = coalesce(to_jsonb(c) ->> 'outcome', '')
        LEFT JOIN triage_eraserequest r ON r.case_id = c.id AND r.agreed_by_id IS NOT NULL
        WHERE (f.closed_on + k.days <= today OR r.id IS NOT NULL) AND triage_may_erase(c.id)
        ORDER BY f.closed_on, c.id LIMIT most
    LOOP
        -- Held still first: a hold or a follow-up may come between looking and erasing.
        PERFORM 1 FROM triage_case WHERE id = one.id FOR UPDATE;
        PERFORM 1 FROM intake_tip WHERE id = one.tip_id FOR UPDATE;
        CONTINUE WHEN NOT triage_may_erase(one.id);
        SELECT * INTO gone FROM triage_empty_tip(one.tip_id);
        INSERT INTO triage_erasure (id, program_id, tip, "case", oversight, hour, ended, messages, replies,
                                    asked_by_id, agreed_by_id, last_copy_on, mirrored)
        VALUES (gen_random_uuid(), one.program_id, one.tip_id, one.id, one.oversight, date_trunc('hour', now()),
                one.ended, gone.messages, gone.replies, one.asked_by_id, one.agreed_by_id, today + kept, false)
        -- A follow-up was on its way while the tip was erased, and had a case of its own: it is erased by itself.
        ON CONFLICT (tip) DO UPDATE SET hour = excluded.hour, "case" = excluded."case", ended = excluded.ended,
            messages = excluded.messages, replies = triage_erasure.replies + excluded.replies,
            last_copy_on = excluded.last_copy_on, mirrored = false
        RETURNING id INTO made;
        RETURN NEXT made;
    END LOOP;
END
$$;

-- Closed, all of it read by a person, and nobody holds it.
CREATE FUNCTION triage_may_erase(one uuid) RETURNS boolean LANGUAGE sql VOLATILE
SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT 1 FROM triage_case c
        WHERE c.id = one AND c.status = 'closed' AND c.unread = 0
          AND NOT EXISTS (SELECT 1 FROM triage_legalhold h WHERE h.case_id = c.id)
          AND NOT EXISTS (
              SELECT 1 FROM intake_due d JOIN intake_tip t ON t.id = d.tip_id
              WHERE t.id = c.tip_id OR t.follows_id = c.tip_id)
    )
$$;
REVOKE ALL ON FUNCTION triage_drop_hanging(regclass, uuid[]), triage_empty_tip(uuid), triage_erase_due(integer),
    triage_may_erase(uuid) FROM PUBLIC;
"""
BACKWARD = """
DROP FUNCTION triage_erase_due(integer), triage_may_erase(uuid), triage_empty_tip(uuid),
    triage_drop_hanging(regclass, uuid[]);
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0026_how_long_tips_are_kept")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
