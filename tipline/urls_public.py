"""The street door."""

from django.urls import include, path

from intake.channels import web
from tipline.rest.problems import here

urlpatterns = [
    path("", include("intake.urls")),
    path("api/", include("intake.channels.api_urls")),
    path("p/<slug:slug>/api/", include("intake.channels.api_urls")),
    path("healthz", web.healthz),
]

handler400 = here("unreadable", web.bad_request)
handler404 = here("not-found", web.not_found)
handler500 = here("broken", web.broken)
