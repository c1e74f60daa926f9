"""The admin's own site: few addresses, for administrators of the program one is in, and on record."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from triage.audit.chain import Event, record
from triage.console import programs
from triage.models import Role, User

View = Callable[..., HttpResponseBase]


def theirs(request: HttpRequest) -> UUID | None:
    """The program that whoever asks administers here; None for everybody else."""
    here = programs.current(request)
    return here.program_id if here and here.role == Role.ADMINISTRATOR else None


class ProgramAdmin(admin.AdminSite):
    """Programs, people and ladders. Signing in, and who may come at all, is the console's business."""

    site_header = site_title = _("Administration")
    index_title = _("What you may change")
    index_template = "admin/console_index.html"
    enable_nav_sidebar = False

    def has_permission(self, request: Any) -> bool:
        return isinstance(request.user, User) and theirs(request) is not None

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Refuse whoever is no administrator, whatever a table of permissions says elsewhere."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_permission(request):
                raise PermissionDenied
            response: HttpResponseBase = view(request, *args, **kwargs)
            return response

        return update_wrapper(never_cache(csrf_protect(guarded)), view)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """No sign-in, no password, no log, no completion of foreign names: only these."""
        found: list[URLPattern | URLResolver] = [
            path("", self.admin_view(self.index), name="index"),
            path("jsi18n/", self.admin_view(self.i18n_javascript), name="jsi18n"),
        ]
        for model, its_admin in self._registry.items():
            found.append(path(f"{model._meta.app_label}/{model._meta.model_name}/", include(its_admin.urls)))
        found.append(path("<str:app_label>/", self.admin_view(self.app_index), name="app_list"))
        return found


class Theirs(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows of the program one administers, to be looked at and changed; never added, deleted or searched through."""

    actions = None
    view_on_site = False
    list_per_page = 100

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name=f"{name}_changelist"),
            path("<uuid:object_id>/change/", view(self._change), name=f"{name}_change"),
        ]

    def _change(self, request: HttpRequest, object_id: UUID) -> HttpResponseBase:
        return self.change_view(request, str(object_id))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.of_program(super().get_queryset(request), theirs(request))

    def of_program(self, rows: QuerySet[Any], program_id: UUID | None) -> QuerySet[Any]:
        """Those of one program; none of no program."""
        return rows.filter(program=program_id) if program_id else rows.none()

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        # An address that filters by a field of a related table could spell out what stands there.
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        # The door may write these columns and no others.
        if form.changed_data:
            obj.save(update_fields=form.changed_data)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Put it on the program's record; Django's own log would keep names and seconds."""
        program_id = theirs(request)
        if program_id is not None and isinstance(request.user, User):
            record(program_id, Event.ADMINISTERED, actor=request.user, now=timezone.now())


site = ProgramAdmin(name="admin")


def models_reached() -> set[type[Model]]:
    """The models that the site shows rows of, those of its inlines too."""
    found = set(site._registry)
    for each in site._registry.values():
        found |= {inline.model for inline in each.inlines}
    return {apps.get_model(model._meta.label) for model in found}
