"""What of a program, its people, its ladders and its texts an administrator sees and changes."""

from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from intake.models import Program
from triage.admin.site import Theirs, site
from triage.audit.chain import Event, record
from triage.models import Channel, Ladder, LadderStep, ProgramText, TextKind, User
from triage.watching import duty

SECONDS_AROUND = (30, 3600)


class ProgramForm(forms.ModelForm):  # type: ignore[type-arg]
    """The texts and hours of a program."""

    def clean_timezone(self) -> str:
        given = str(self.cleaned_data["timezone"])
        if given not in available_timezones():
            raise ValidationError(now_("This is no time zone; America/Toronto is one."))
        return given

    def clean_duty_hours(self) -> str:
        given = str(self.cleaned_data["duty_hours"])
        try:
            duty.read(given)
        except duty.BadHours:
            raise ValidationError(now_("Write it like Mon-Fri 08:00-18:00, Sat 10:00-14:00.")) from None
        return given


@admin.register(Program, site=site)
class Programs(Theirs):
    """What a program says about itself. How many people must agree to what is set at the server alone."""

    form = ProgramForm
    list_display = ("name", "timezone", "duty_hours")
    fields = (
        "name",
        "timezone",
        "duty_hours",
        "emergency_number",
        "text_emergency",
        "crisis_line",
        "trafficking_hotline",
        "duty_text",
        "readers",
        "police_reader",
        "identity_allowed",
        "identity_needs_two",
        "changed_on",
    )
    # A stolen session must not be able to say that one person is enough.
    readonly_fields = ("readers", "police_reader", "identity_allowed", "identity_needs_two", "changed_on")

    def of_program(self, rows: QuerySet[Any], program_id: UUID | None) -> QuerySet[Any]:
        return rows.filter(pk=program_id)


@admin.register(User, site=site)
class People(Theirs):
    """The names of people. Who comes, goes and holds what is decided on the console's own page, with keys."""

    list_display = ("name", "username", "roles", "is_active")
    fields = ("name", "username", "roles", "is_active")
    readonly_fields = ("username", "roles", "is_active")

    def of_program(self, rows: QuerySet[Any], program_id: UUID | None) -> QuerySet[Any]:
        return rows.filter(memberships__program=program_id).prefetch_related("memberships")

    @admin.display(description=_("Role"))
    def roles(self, person: User) -> str:
        """What the person is."""
        return ", ".join(sorted({each.get_role_display() for each in person.memberships.all()}))


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """One rung, its means as boxes to tick."""

    channels = forms.MultipleChoiceField(label=_("By"), choices=Channel, widget=forms.CheckboxSelectMultiple)


class StepsForm(forms.models.BaseInlineFormSet):  # type: ignore[type-arg]
    """All rungs of a ladder: the first is at once, or a page would wake nobody."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        for self_harm in (False, True):
            steps = [each for each in kept if bool(each.get("self_harm")) == self_harm]
            # None for self-harm is well: then its tips climb the others.
            if (steps or not self_harm) and not any(each.get("after_seconds") == 0 for each in steps):
                raise ValidationError(
                    now_("One step for self-harm must be after 0 seconds: somebody is called at once.")
                    if self_harm
                    else now_("One step must be after 0 seconds: somebody is called at once.")
                )


class Steps(admin.TabularInline):  # type: ignore[type-arg]
    """The rungs, in the order of their seconds."""

    model = LadderStep
    form = StepForm
    formset = StepsForm
    fields = ("after_seconds", "who", "channels", "self_harm")
    ordering = ("after_seconds",)
    extra = 1
    max_num = 20

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_change_permission = has_add_permission = has_delete_permission = has_view_permission


class LadderForm(forms.ModelForm):  # type: ignore[type-arg]
    """When a ladder begins again."""

    loop_after = forms.IntegerField(
        label=_("Begins again after seconds"), min_value=SECONDS_AROUND[0], max_value=SECONDS_AROUND[1]
    )


@admin.register(Ladder, site=site)
class Ladders(Theirs):
    """Who is told when. A page that is already out keeps the ladder it began with."""

    form = LadderForm
    inlines = (Steps,)
    list_display = ("urgency", "oversight", "loop_after")
    fields = ("urgency", "oversight", "loop_after")
    readonly_fields = ("urgency", "oversight")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Write all rungs anew, numbered in the order of their seconds."""
        formset.save(commit=False)
        ladder: Ladder = form.instance
        gone = {each.pk for each in formset.deleted_objects}
        rungs = [each.instance for each in formset.forms if each.cleaned_data and each.instance.pk not in gone]
        rungs = [each for each in rungs if each.channels]
        rungs.sort(key=lambda rung: rung.after_seconds)
        LadderStep.objects.filter(ladder=ladder).delete()
        LadderStep.objects.bulk_create(
            LadderStep(
                program_id=ladder.program_id,
                ladder=ladder,
                position=position,
                after_seconds=rung.after_seconds,
                who=rung.who,
                channels=list(rung.channels),
                self_harm=rung.self_harm,
            )
            for position, rung in enumerate(rungs)
        )


@admin.register(ProgramText, site=site)
class Texts(Theirs):
    """Whom to call, what to say, ready answers. They are begun and removed on the console's own page."""

    list_display = ("title", "kind", "language")
    fields = ("kind", "title", "body", "language")
    readonly_fields = ("kind",)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Say on record, too, that it was about whom to call: a wrong number there sends help nowhere."""
        super().log_change(request, obj, message)
        if obj.kind == TextKind.CONTACT and isinstance(request.user, User):
            record(obj.program_id, Event.CALL_CONTACTS_CHANGED, actor=request.user, now=timezone.now())


urls = site.urls
