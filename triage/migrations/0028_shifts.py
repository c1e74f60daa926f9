import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

# Both ends of a shift are turned into moments in one way, so that two that meet on the wall meet in time, also in
# the night when the clock changes. Without any shift the plain list counts, as it did before there were shifts.
FORWARD = """
CREATE FUNCTION triage_shift_spans(wanted uuid, first_day date, last_day date)
RETURNS TABLE (shift_id uuid, day date, user_id uuid, place smallint, begins timestamptz, ends timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT shift.id, days.day, coalesce(cover.user_id, shift.user_id), shift.place::smallint,
           (days.day + make_interval(mins => shift.starts)) AT TIME ZONE program.timezone,
           (days.day + make_interval(mins => shift.ends)) AT TIME ZONE program.timezone
    FROM triage_shift shift JOIN intake_program program ON program.id = shift.program_id
    CROSS JOIN LATERAL (
        SELECT first_day + ahead AS day FROM generate_series(0, last_day - first_day) ahead
    ) days
    LEFT JOIN triage_cover cover ON cover.shift_id = shift.id AND cover.day = days.day
    WHERE shift.program_id = wanted AND extract(isodow FROM days.day) - 1 = shift.weekday
$$;
CREATE FUNCTION triage_on_call(wanted uuid, moment timestamptz) RETURNS TABLE (user_id uuid, rank integer)
LANGUAGE sql STABLE AS $$
    SELECT found.user_id, min(found.rank) FROM (
        SELECT span.user_id, span.place::integer AS rank
        FROM intake_program program, triage_shift_spans(
            wanted, (moment AT TIME ZONE program.timezone)::date - 2, (moment AT TIME ZONE program.timezone)::date + 1
        ) span
        WHERE program.id = wanted AND span.begins <= moment AND moment < span.ends
          AND EXISTS (SELECT 1 FROM triage_shift WHERE program_id = wanted)
        UNION ALL
        SELECT rota.user_id, rota.position::integer FROM triage_oncall rota
        WHERE rota.program_id = wanted AND NOT EXISTS (SELECT 1 FROM triage_shift WHERE program_id = wanted)
    ) found GROUP BY found.user_id
$$;
"""
BACKWARD = """
DROP FUNCTION triage_on_call(uuid, timestamptz);
DROP FUNCTION triage_shift_spans(uuid, date, date);
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0027_erasing"), ("intake", "0004_duty_hours")]

    operations = [
        migrations.CreateModel(
            name="Shift",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("weekday", models.PositiveSmallIntegerField()),
                ("starts", models.PositiveSmallIntegerField()),
                ("ends", models.PositiveSmallIntegerField()),
                ("place", models.PositiveSmallIntegerField(default=0)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="shifts", to="intake.program"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(name="shift_weekday", condition=Q(weekday__lte=6)),
                    models.CheckConstraint(
                        name="shift_hours",
                        condition=Q(starts__lt=1440, ends__gt=F("starts"), ends__lte=F("starts") + 1440),
                    ),
                    models.UniqueConstraint(
                        name="shift_once", fields=["program", "user", "weekday", "starts", "place"]
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Cover",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                (
                    "program",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="intake.program"),
                ),
                (
                    "shift",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="covers", to="triage.shift"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(name="cover_once", fields=["shift", "day"])]},
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
