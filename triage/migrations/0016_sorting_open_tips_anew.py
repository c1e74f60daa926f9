from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triage", "0015_alarms_of_the_watchers")]

    operations = [
        migrations.RemoveConstraint(model_name="job", name="job_kind"),
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=models.CharField(
                choices=[
                    ("re-wrap", "Sealing again for the new key"),
                    ("reseal", "Sealing again in the new way"),
                    ("reassess", "Sorting the open tips anew"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddField(model_name="job", name="raised", field=models.PositiveIntegerField(default=0)),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["re-wrap", "reseal", "reassess"])), name="job_kind"
            ),
        ),
    ]
