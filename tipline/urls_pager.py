"""The providers' door: replies, keys, delivery receipts. It can insert sealed events and nothing else."""

from django.urls import path

from triage.escalation import pager_views as views

urlpatterns = [
    path("sms/gateway/", views.gateway_sms),
    path("sms/twilio/", views.twilio_sms),
    path("receipts/gateway/", views.gateway_receipt),
    path("receipts/twilio/", views.twilio_receipt),
    path("voice/twilio/", views.twilio_keyed),
    path("receipts/twilio-voice/", views.twilio_call_ended),
    path("healthz", views.healthz),
    path("health/escalator", views.escalators),
    path("health/watch", views.watch),
    path("health/canary", views.canary),
]
