from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triage", "0011_attempts_are_kept")]

    operations = [
        migrations.AddField(
            model_name="case", name="incident", field=models.UUIDField(blank=True, db_index=True, null=True)
        ),
        migrations.AddField(
            model_name="case", name="apart", field=models.BooleanField(db_default=False, default=False)
        ),
    ]
