from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triage", "0007_custodian_and_its_work")]

    operations = [
        migrations.AddField(model_name="contact", name="sealed_digits", field=models.BinaryField(default=b"")),
    ]
