"""Addresses of the public API, version 1."""

from django.urls import path, re_path

from intake.channels import api
from tipline.rest.views import nothing_here

urlpatterns = [
    path("v1/schema/", api.Schema.as_view(), name="api_schema"),
    path("v1/program/", api.Program.as_view(), name="api_program"),
    path("v1/tips/", api.Tips.as_view(), name="api_tips"),
    path("v1/conversation/", api.Conversation.as_view(), name="api_conversation"),
    path("v1/conversation/messages/", api.Messages.as_view(), name="api_messages"),
    path("v1/conversation/lock/", api.Lock.as_view(), name="api_lock"),
    path("v1/conversation/withdraw/", api.Withdraw.as_view(), name="api_withdraw"),
    re_path(r"^(?P<rest>.*)\Z", nothing_here),
]
