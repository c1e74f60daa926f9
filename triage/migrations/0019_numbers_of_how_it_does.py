import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triage", "0018_alarms_of_priority_tips")]

    operations = [
        migrations.CreateModel(
            name="Measure",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("labels", models.CharField(blank=True, max_length=60)),
                ("value", models.PositiveBigIntegerField(default=0)),
                ("held", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("name", "labels"), name="measure_once")],
            },
        ),
    ]
