"""Program keys are sealed to invitations and to a recovery kit as they are to people; retired keys lead to the next."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def refuse_open_invitations(apps, schema_editor):
    """A code given out before this cannot be carried over, and may hold the only copy of a key."""
    if apps.get_model("triage", "Invitation").objects.exists():
        raise RuntimeError("Somebody has not used their one-time code yet. Let them sign in first, then migrate.")


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0002_spent_receipts"),
        ("triage", "0004_drop_the_leases_of_escalations"),
    ]

    operations = [
        migrations.RunPython(refuse_open_invitations, migrations.RunPython.noop),
        migrations.CreateModel(
            name="KeptSecret",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=20)),
                ("sealed", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="KeyLink",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sealed", models.BinaryField()),
                ("since", models.DateField()),
            ],
        ),
        migrations.CreateModel(
            name="RecoveryKey",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("public_key", models.BinaryField()),
                ("threshold", models.PositiveSmallIntegerField()),
                ("sheets", models.PositiveSmallIntegerField()),
                ("made_on", models.DateField()),
                ("drilled_on", models.DateField(blank=True, null=True)),
                ("replaced", models.BooleanField(default=False)),
            ],
        ),
        migrations.RemoveField(
            model_name="invitation",
            name="sealed",
        ),
        migrations.AddField(
            model_name="grant",
            name="invitation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="grants",
                to="triage.invitation",
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="tag",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="invitation",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="invitation",
            name="invited_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="public_key",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="invitation",
            name="sealed_private",
            field=models.BinaryField(default=b""),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="invitation",
            name="until_kit",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="invitation",
            name="used",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="grant",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="grants",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("used", False), ("until_kit", True), _connector="OR"),
                name="invitation_used_only_kept",
            ),
        ),
        migrations.AddField(
            model_name="keptsecret",
            name="program",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="intake.program"),
        ),
        migrations.AddField(
            model_name="keptsecret",
            name="program_key",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="intake.programkey"
            ),
        ),
        migrations.AddField(
            model_name="keylink",
            name="newer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="intake.programkey"
            ),
        ),
        migrations.AddField(
            model_name="keylink",
            name="older",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="link", to="intake.programkey"
            ),
        ),
        migrations.AddField(
            model_name="keylink",
            name="program",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="intake.program"),
        ),
        migrations.AddField(
            model_name="recoverykey",
            name="program",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="intake.program"),
        ),
        migrations.AddField(
            model_name="grant",
            name="recovery",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="grants",
                to="triage.recoverykey",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.UniqueConstraint(fields=("invitation", "program_key"), name="grant_once_invitation"),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.UniqueConstraint(fields=("recovery", "program_key"), name="grant_once_recovery"),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("invitation", None), ("recovery", None), ("user__isnull", False)),
                    models.Q(("invitation__isnull", False), ("recovery", None), ("user", None)),
                    models.Q(("invitation", None), ("recovery__isnull", False), ("user", None)),
                    _connector="OR",
                ),
                name="grant_to_one_holder",
            ),
        ),
        migrations.AddConstraint(
            model_name="keptsecret",
            constraint=models.UniqueConstraint(fields=("program", "name"), name="kept_secret_once"),
        ),
        migrations.AddConstraint(
            model_name="recoverykey",
            constraint=models.CheckConstraint(
                condition=models.Q(("sheets__gte", models.F("threshold")), ("threshold__gte", 2)),
                name="recovery_enough_sheets",
            ),
        ),
        migrations.AddConstraint(
            model_name="recoverykey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaced", False)), fields=("program",), name="recovery_one_current"
            ),
        ),
    ]
