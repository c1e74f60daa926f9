"""A call through Twilio's REST API (2010-04-01), Calls resource.

    POST /2010-04-01/Accounts/<account>/Calls.json   HTTP Basic: account, token
    To, From, Twiml, Timeout, StatusCallback         form-encoded

What is said travels with the request, so the call speaks even while the pager door is down. What is
keyed goes to the pager door, which can read nothing: it answers everybody alike.
Sources: Twilio, "Calls resource"; "TwiML <Gather>".
"""

from dataclasses import dataclass, field
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from triage.escalation.senders import twilio, web, wire
from triage.escalation.senders.base import Outcome, Outgoing, Result

RINGS = 30
"""Seconds a phone may ring: shorter than most mailboxes wait."""
TIMES_SAID = 3
PAUSE = 6
"""Seconds without a key after which what was keyed counts, or it is said again."""


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """`keyed` is the pager door's URL for keys, `status_callback` that for the call's end; `goodbye` is said last."""

    account: str
    token: str = field(repr=False)
    sender: str
    keyed: str
    status_callback: str
    goodbye: str
    language: str = "en-US"
    base_url: str = "https://api.twilio.com"
    ca_file: str | None = None


class VoiceSender:
    """Has one call made by Twilio."""

    name = "twilio-voice"

    def __init__(self, settings: VoiceSettings) -> None:
        self._settings = settings
        self._client, self._headers = twilio.client(
            settings.base_url, settings.account, settings.token, "Calls", ca_file=settings.ca_file
        )

    def send(self, message: Outgoing, *, timeout: float = 5.0) -> Result:
        """See Sender: `message.body` is what the voice says."""
        form = urlencode(self._form(message), errors="replace").encode()
        try:
            reply = self._client.post(form, self._headers, deadline=wire.Deadline(timeout))
        except wire.NotConnected as fault:
            return Result(Outcome.FAILED_FOR_NOW, self.name, detail=fault.code)
        except web.Lost as fault:
            return Result(Outcome.UNKNOWN, self.name, detail=fault.code)
        return twilio.judge(reply, self.name)

    def _form(self, message: Outgoing) -> dict[str, str]:
        settings = self._settings
        return {
            "To": message.to,
            "From": settings.sender,
            "Twiml": script(
                message.body,
                settings.goodbye,
                language=settings.language,
                keyed=twilio.with_reference(settings.keyed, message.reference),
            ),
            "Timeout": str(RINGS),
            "StatusCallback": twilio.with_reference(settings.status_callback, message.reference),
        }


def script(said: str, goodbye: str, *, keyed: str, language: str) -> str:
    """What the call does, in Twilio's language: say it three times, wait for keys each time, and end."""
    say = f"<Say language={quoteattr(language)}>{{}}</Say>"
    ask = (
        f'<Gather input="dtmf" finishOnKey="#" timeout="{PAUSE}" action={quoteattr(keyed)} method="POST">'
        f"{say.format(escape(said))}</Gather>"
    )
    return f"<Response>{ask * TIMES_SAID}{say.format(escape(goodbye))}<Hangup/></Response>"
