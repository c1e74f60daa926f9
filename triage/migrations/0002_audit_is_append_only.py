"""PostgreSQL itself refuses to change the record of what people did, whoever asks."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION triage_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Only the owner may truncate at all, and could drop this trigger too; tests empty their own database.
    IF TG_OP = 'TRUNCATE' AND current_setting('tipline.may_empty_audit', true) = 'yes' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'audit entries are never changed' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON triage_auditentry
    FOR EACH ROW EXECUTE FUNCTION triage_audit_refuse();
CREATE TRIGGER audit_never_emptied BEFORE TRUNCATE ON triage_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION triage_audit_refuse();
"""
BACKWARD = """
DROP TRIGGER audit_never_emptied ON triage_auditentry;
DROP TRIGGER audit_append_only ON triage_auditentry;
DROP FUNCTION triage_audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0001_first_tables")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
