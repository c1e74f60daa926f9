import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0004_duty_hours"),
        ("triage", "0021_more_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("lookup", models.BinaryField(unique=True)),
                ("public_key", models.BinaryField()),
                ("may_take", models.BooleanField(default=False)),
                ("expires_on", models.DateField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="grant",
            name="grant_to_one_holder",
        ),
        migrations.AddField(
            model_name="apitoken",
            name="program",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="intake.program"),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="token",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="grants",
                to="triage.apitoken",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.UniqueConstraint(fields=("token", "program_key"), name="grant_once_token"),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("invitation", None), ("recovery", None), ("token", None), ("user__isnull", False)),
                    models.Q(("invitation__isnull", False), ("recovery", None), ("token", None), ("user", None)),
                    models.Q(("invitation", None), ("recovery__isnull", False), ("token", None), ("user", None)),
                    models.Q(("invitation", None), ("recovery", None), ("token__isnull", False), ("user", None)),
                    _connector="OR",
                ),
                name="grant_to_one_holder",
            ),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=models.UniqueConstraint(fields=("program", "user", "name"), name="api_token_name"),
        ),
    ]
