"""The senders this installation has, one for each channel, made from the settings."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.conf import settings

from triage.escalation import texts
from triage.escalation.senders import Outcome, Outgoing, Result, Sender
from triage.escalation.senders.choose import Providers
from triage.escalation.senders.gateway import GatewaySender, GatewaySettings
from triage.escalation.senders.smtp import SmtpSender, SmtpSettings
from triage.escalation.senders.twilio import TwilioSender, TwilioSettings
from triage.escalation.senders.voice import VoiceSender, VoiceSettings
from triage.models import Channel

SEND_SECONDS = 5.0

Send = Callable[[str, Outgoing], Result]


def send(channel: str, message: Outgoing) -> Result:
    """Hand a message to the channel's carrier; back within five seconds, whatever the far side does."""
    sender = carriers().get(channel)
    if sender is None:
        return Result(Outcome.FAILED_FOR_GOOD, "none", detail="no_carrier")
    return sender.send(message, timeout=SEND_SECONDS)


@cache
def carriers() -> Mapping[str, Sender]:
    """Return the sender of each channel that is set up."""
    server: dict[str, Any] = settings.SMTP
    mail = SmtpSender(SmtpSettings(password=settings.SMTP_PASSWORD, **server))
    found: dict[str, Sender] = {Channel.EMAIL: mail}
    providers = [_PROVIDERS[name]() for name in settings.SMS_PROVIDERS]
    if providers:
        found[Channel.SMS] = Providers("sms", providers)
    if settings.TWILIO["account"]:
        found[Channel.VOICE] = _voice()
    return found


def _voice() -> Sender:
    door = settings.PAGER_URL.rstrip("/")
    callbacks = {"keyed": f"{door}/voice/twilio/", "status_callback": f"{door}/receipts/twilio-voice/"}
    twilio: dict[str, Any] = settings.TWILIO
    return VoiceSender(VoiceSettings(token=settings.TWILIO_TOKEN, goodbye=texts.voice_goodbye(), **callbacks, **twilio))


def _gateway() -> Sender:
    return GatewaySender(GatewaySettings(settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_TOKEN))


def _twilio() -> Sender:
    callback = f"{settings.PAGER_URL.rstrip('/')}/receipts/twilio/"
    return TwilioSender(TwilioSettings(token=settings.TWILIO_TOKEN, status_callback=callback, **settings.TWILIO))


_PROVIDERS: Mapping[str, Callable[[], Sender]] = {"gateway": _gateway, "twilio": _twilio}
