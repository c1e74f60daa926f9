"""A tip is not erased while a second person must still look at what one did alone to it."""

from django.db import migrations

KEPT = """
          AND NOT EXISTS (SELECT 1 FROM triage_pendingcheck p WHERE p.case_id = c.id)"""
MAY_ERASE = """
CREATE OR REPLACE FUNCTION triage_may_erase(one uuid) RETURNS boolean LANGUAGE sql VOLATILE
SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (
        SELECT 1 FROM triage_case c
        WHERE c.id = one AND c.status = 'closed' AND c.unread = 0
          AND NOT EXISTS (SELECT 1 FROM triage_legalhold h WHERE h.case_id = c.id){kept}
          AND NOT EXISTS (
              SELECT 1 FROM intake_due d JOIN intake_tip t ON t.id = d.tip_id
              WHERE t.id = c.tip_id OR t.follows_id = c.tip_id)
    )
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0032_steps_for_self_harm")]

    operations = [migrations.RunSQL(MAY_ERASE.format(kept=KEPT), MAY_ERASE.format(kept=""))]
