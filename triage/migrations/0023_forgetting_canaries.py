"""`watch` may delete the tips of its own test program, and of no other: through this function alone."""

from django.db import migrations

# Locks are taken in the order of everybody else's: the case, its escalations, their notifications.
FORWARD = """
CREATE FUNCTION triage_forget_canaries() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public SET lock_timeout = '2s' AS $$
DECLARE
    canary CONSTANT uuid := 'ca9a4900-0000-4000-8000-00000000ca9a';
BEGIN
    PERFORM 1 FROM triage_case WHERE program_id = canary ORDER BY id FOR UPDATE;
    PERFORM 1 FROM triage_escalation WHERE program_id = canary ORDER BY id FOR UPDATE;
    PERFORM 1 FROM triage_notification WHERE program_id = canary ORDER BY id FOR UPDATE;
    DELETE FROM triage_attempt WHERE program_id = canary;
    DELETE FROM triage_notification WHERE program_id = canary;
    DELETE FROM triage_escalation WHERE program_id = canary;
    DELETE FROM triage_alarm WHERE program_id = canary;
    DELETE FROM triage_incidentsignature WHERE program_id = canary;
    DELETE FROM triage_case WHERE program_id = canary;
    DELETE FROM triage_assessment WHERE program_id = canary;
    DELETE FROM intake_due WHERE program_id = canary;
    DELETE FROM intake_wrap WHERE program_id = canary;
    DELETE FROM intake_receipt WHERE program_id = canary;
    DELETE FROM intake_submissionkey WHERE program_id = canary;
    DELETE FROM intake_tip WHERE program_id = canary;
END
$$;
REVOKE ALL ON FUNCTION triage_forget_canaries() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0022_tokens_of_programs"), ("intake", "0004_duty_hours")]

    operations = [migrations.RunSQL(FORWARD, "DROP FUNCTION triage_forget_canaries()")]
