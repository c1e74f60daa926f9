"""Page numbers roll from a counter; a contact may be known to fail; one number may serve two programs."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_first_tables"),
        ("triage", "0002_audit_is_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="PageCounter",
            fields=[
                (
                    "program",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="intake.program",
                    ),
                ),
                ("last", models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(model_name="contact", name="contact_once"),
        migrations.AddField(model_name="contact", name="failing", field=models.BooleanField(default=False)),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                fields=("program", "user", "channel", "address_mac"), name="contact_once"
            ),
        ),
    ]
