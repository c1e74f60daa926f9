"""The providers' door: SMS replies, delivery receipts. It can insert sealed events and nothing else."""

from django.urls import path

from triage.escalation import pager_views as views

urlpatterns = [
    path("sms/gateway/", views.gateway_sms),
    path("sms/twilio/", views.twilio_sms),
    path("receipts/gateway/", views.gateway_receipt),
    path("receipts/twilio/", views.twilio_receipt),
    path("healthz", views.healthz),
]
