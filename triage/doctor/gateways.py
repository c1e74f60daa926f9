"""Whether the mail server, the SMS providers and the calls would take a page now. Nothing is sent."""

import base64
import smtplib
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from triage.doctor.asking import PATIENCE, Answer, ask
from triage.doctor.finding import Finding

OFF = 30.0  # seconds
_HERE = ("127.", "localhost", "::1")


def mail() -> Iterator[Finding]:
    """Connect, encrypt and sign in as for a page, and send nothing."""
    server = settings.SMTP
    named = f"{server['host']}:{server['port']}"
    do = _("Compare the TIPLINE_SMTP_ settings and the secret smtp_password with what your provider says.")
    try:
        with smtplib.SMTP(str(server["host"]), int(str(server["port"])), timeout=PATIENCE) as talk:
            talk.ehlo()
            if server["starttls"]:
                talk.starttls(context=ssl.create_default_context())
                talk.ehlo()
            if server["user"]:
                talk.login(str(server["user"]), settings.SMTP_PASSWORD)
            talk.noop()
    except (OSError, ValueError) as fault:  # SMTPException is an OSError
        yield Finding.grave(
            _("The mail server {name} does not take us ({fault}).").format(name=named, fault=type(fault).__name__), do
        )
        return
    yield Finding.well(_("The mail server {name} takes us.").format(name=named))
    if not server["starttls"] and not str(server["host"]).startswith(_HERE):
        yield Finding.look(
            _("Mail leaves this machine unencrypted."), _("Set TIPLINE_SMTP_STARTTLS=true, if the server can.")
        )
    if not settings.ADMIN_MAIL and not settings.LOCAL:
        yield Finding.look(
            _("Nobody is named who runs this machine: the watcher writes to the supervisors."),
            _("Set TIPLINE_ADMIN_MAIL to your address."),
        )


def sms() -> Iterator[Finding]:
    """Ask each provider that is set up."""
    if not settings.SMS_PROVIDERS:
        yield Finding.grave(_("No SMS provider is set up."), _("Set TIPLINE_SMS_PROVIDERS."))
    for name in settings.SMS_PROVIDERS:
        if name == "gateway":
            yield from _gateway()
        else:
            yield from _twilio(_("SMS"))
    if len(settings.SMS_PROVIDERS) == 1:
        yield Finding.look(
            _("There is one SMS provider: when it fails, nobody gets an SMS."),
            _("Name a second one in TIPLINE_SMS_PROVIDERS."),
        )


def voice() -> Iterator[Finding]:
    """Calls wake people who sleep through an SMS."""
    if not settings.TWILIO["account"]:
        yield Finding.look(
            _("No calls are made: who sleeps through an SMS is not woken."),
            _("Set TIPLINE_TWILIO_ACCOUNT and its token."),
        )
    elif "twilio" not in settings.SMS_PROVIDERS:
        yield from _twilio(_("Calls"))


def _gateway() -> Iterator[Finding]:
    if not settings.SMS_GATEWAY_URL:
        yield Finding.grave(_("The SMS gateway has no address."), _("Set TIPLINE_SMS_GATEWAY_URL."))
        return
    answer = ask(settings.SMS_GATEWAY_URL, method="HEAD")
    # 501 is an answer too: it does not know HEAD.
    if answer.status == 0 or (answer.status >= 500 and answer.status != 501):
        yield Finding.grave(
            _("The SMS gateway does not answer ({fault}).").format(fault=answer.fault or answer.status),
            _("Look at TIPLINE_SMS_GATEWAY_URL and at this machine's way out."),
        )
        return
    yield Finding.well(_("The SMS gateway answers."))
    yield from _their_clock(answer)


def _their_clock(answer: Answer) -> Iterator[Finding]:
    """Compare our clock with the one of a machine that is not ours (RFC 9110, 6.6.1)."""
    try:
        theirs = parsedate_to_datetime((answer.headers or {})["date"])
    except (KeyError, ValueError, TypeError):
        return
    off = abs((timezone.now() - theirs).total_seconds())
    if off > OFF:
        yield Finding.look(
            _("This machine's clock and the SMS gateway's are {n} seconds apart.").format(n=round(off)),
            _("Let this machine set its clock by the network (NTP): six-digit codes need it."),
        )


def _twilio(what: str) -> Iterator[Finding]:
    account = str(settings.TWILIO["account"])
    login = base64.b64encode(f"{account}:{settings.TWILIO_TOKEN}".encode()).decode()
    url = f"{str(settings.TWILIO['base_url']).rstrip('/')}/2010-04-01/Accounts/{account}.json"
    answer = ask(url, headers={"Authorization": f"Basic {login}"})
    if answer.status in {401, 403}:
        yield Finding.grave(
            _("Twilio refuses our account ({what}).").format(what=what),
            _("Compare TIPLINE_TWILIO_ACCOUNT and the secret twilio_token with Twilio's console."),
        )
    elif answer.status == 0 or answer.status >= 500:
        yield Finding.grave(
            _("Twilio does not answer ({what}, {fault}).").format(what=what, fault=answer.fault or answer.status),
            _("Look at this machine's way out, and at Twilio's status page."),
        )
    else:
        yield Finding.well(_("Twilio answers ({what}).").format(what=what))
