"""Addresses of the API of the console, version 1. Who calls is known by a token, not by a session: open to anyone."""

from typing import Any

from django.urls import URLPattern, path, re_path

from tipline.rest.views import nothing_here
from triage.api import views
from triage.console.requests import ANYONE, open_to


def _at(address: str, view: Any, name: str) -> URLPattern:
    found: URLPattern = path(f"v1/{address}", open_to(ANYONE)(view.as_view()), name=name)
    return found


urlpatterns = [
    _at("schema/", views.Schema, "api_schema"),
    _at("cases/", views.Cases, "api_cases"),
    _at("cases/<uuid:case_id>/", views.OneCase, "api_case"),
    _at("cases/<uuid:case_id>/text/", views.Text, "api_text"),
    _at("cases/<uuid:case_id>/take/", views.Take, "api_take"),
    re_path(r"^(?P<rest>.*)\Z", open_to(ANYONE)(nothing_here), name="api_nothing"),
]
