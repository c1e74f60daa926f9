"""The public pages: the first program's, and each program's below its own address."""

from django.urls import include, path

from intake.channels import web

app_name = "intake"
pages = [
    path("", web.form, name="form"),
    path("answers/", web.answers, name="answers"),
    path("answers/add/", web.follow_up, name="follow_up"),
    path("answers/lock/", web.lock, name="lock"),
    path("answers/withdraw/", web.withdraw, name="withdraw"),
    path("noted/", web.noted, name="noted"),
    path("leave/", web.leave, name="leave"),
    path("logo.png", web.logo, name="logo"),
]
urlpatterns = [*pages, path("p/<slug:slug>/", include(pages))]
