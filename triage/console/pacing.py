"""What a page says when a try was not looked at."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from triage.vault.guessing import NotNow


def text(refusal: NotNow) -> str:
    """Say how long until the next try is looked at."""
    if refusal.busy:
        return _("Many people are signing in just now. Nothing was looked at; try again in a few seconds.")
    seconds = refusal.seconds
    if seconds <= 90:
        return ngettext(
            "Too many tries. Wait %(n)d second, then try again.",
            "Too many tries. Wait %(n)d seconds, then try again.",
            seconds,
        ) % {"n": seconds}
    minutes = -(-seconds // 60)
    return ngettext(
        "Too many tries. Wait %(n)d minute, then try again.",
        "Too many tries. Wait %(n)d minutes, then try again.",
        minutes,
    ) % {"n": minutes}


def page(request: HttpRequest, template: str, form: forms.Form, refusal: NotNow) -> HttpResponse:
    """Show the form again, with what to wait for."""
    form.add_error(None, text(refusal))
    response = render(request, template, {"form": form}, status=429)
    response["Retry-After"] = str(refusal.seconds)
    return response
