"""The providers' door: SMS replies, delivery receipts. It can insert sealed events and nothing else."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
