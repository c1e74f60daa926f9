"""The street door."""

from django.urls import include, path

from intake.channels import web

urlpatterns = [path("", include("intake.urls")), path("healthz", web.healthz)]

handler400 = web.bad_request
handler404 = web.not_found
handler500 = web.broken
