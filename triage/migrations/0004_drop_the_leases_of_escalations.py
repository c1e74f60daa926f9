from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("triage", "0003_page_counter_and_failing_contacts")]

    operations = [
        migrations.RemoveField("escalation", "lease_owner"),
        migrations.RemoveField("escalation", "lease_until"),
        migrations.RemoveField("escalation", "generation"),
    ]
