"""The public pages."""

from django.urls import path

from intake.channels import web

app_name = "intake"
urlpatterns = [
    path("", web.form, name="form"),
    path("answers/", web.answers, name="answers"),
    path("answers/add/", web.follow_up, name="follow_up"),
    path("answers/lock/", web.lock, name="lock"),
    path("answers/withdraw/", web.withdraw, name="withdraw"),
    path("noted/", web.noted, name="noted"),
    path("leave/", web.leave, name="leave"),
]
