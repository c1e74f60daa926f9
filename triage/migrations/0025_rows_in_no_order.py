"""Rows of a week can be written anew together, so that the order they were written in places no tip."""

from django.db import migrations

# Each in its own order of chance, one by one: a single UPDATE would go by the order they lie in. What is put together
# with nothing is stored anew where it lies apart from its row, too (TOAST). The audit trail and tries to page are
# never changed: they carry hours.
_ONE_BY_ONE = """
    FOR found IN SELECT {name}.id FROM {tables} WHERE {of_tips} ORDER BY random() FOR NO KEY UPDATE OF {name} SKIP LOCKED
    LOOP
        UPDATE {name} SET {again} WHERE id = found.id;
    END LOOP;"""
_STEPS = (
    ("intake_tip", "intake_tip", "id = ANY(tips)",
     "sealed = sealed || ''::bytea, sealed_identity = sealed_identity || ''::bytea"),
    ("intake_reply", "intake_reply", "tip_id = ANY(tips)", "sealed = sealed || ''::bytea"),
    ("intake_wrap", "intake_wrap",
     "tip_id = ANY(tips) OR reply_id IN (SELECT id FROM intake_reply WHERE tip_id = ANY(tips))",
     "sealed = sealed || ''::bytea"),
    ("intake_receipt", "intake_receipt", "tip_id = ANY(tips)", "public_key = public_key || ''::bytea"),
    ("triage_assessment", "triage_assessment", "tip_id = ANY(tips)", "sealed = sealed || ''::bytea"),
    ("triage_case", "triage_case", "tip_id = ANY(tips)", "version = version"),
    ("triage_escalation", "triage_escalation", "tip_id = ANY(tips) AND state = 'ended'", "loop = loop"),
    ("triage_notification",
     "triage_notification JOIN triage_escalation page ON page.id = triage_notification.escalation_id",
     "page.tip_id = ANY(tips) AND page.state = 'ended'", "loop = loop"),
)  # fmt: skip
_LOOPS = "".join(
    _ONE_BY_ONE.format(name=name, tables=tables, of_tips=of_tips, again=again)
    for name, tables, of_tips, again in _STEPS
)
CREATE = f"""
CREATE FUNCTION triage_mix_rows(most integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public SET lock_timeout = '2s' AS $$
DECLARE
    tips uuid[];
    found record;
BEGIN
    -- Weeks in which a row was written since they were mixed last: not all of them carry one transaction's number.
    -- Who is worked on just now is left for another night: nobody waits for this.
    SELECT array_agg(id) INTO tips FROM (
        SELECT id FROM intake_tip WHERE week IN (
            SELECT week FROM intake_tip GROUP BY week HAVING count(DISTINCT xmin::text) > 1)
        ORDER BY random() LIMIT most FOR NO KEY UPDATE SKIP LOCKED
    ) AS chosen;
    IF tips IS NULL THEN
        RETURN 0;
    END IF;{_LOOPS}
    RETURN cardinality(tips);
END $$;
REVOKE ALL ON FUNCTION triage_mix_rows(integer) FROM PUBLIC;
"""  # noqa: S608  only constants are put together


class Migration(migrations.Migration):
    dependencies = [("triage", "0024_who_steps_aside"), ("intake", "0004_duty_hours")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION triage_mix_rows(integer)")]
