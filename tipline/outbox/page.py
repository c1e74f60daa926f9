"""The page a newcomer looks at: every message as its receiver would see it, newest first."""

import re
from collections import Counter
from html import escape

from tipline.outbox.faults import MODES, Faults
from tipline.outbox.messages import Answer, Message

_SHOWN = 100
# The reply the message itself asks for: "Reply 27 K4M9TX". Six characters of letters and digits.
_REPLY = re.compile(r"\b(\d{1,6} [A-Z0-9]{6})\b")
_NAMES = {"smtp": "E-mail", "gateway": "SMS gateway", "twilio": "Twilio", "voice": "Telephone"}
_PLAIN_MODES = {
    "ok": "works",
    "refuse": "refuses connections",
    "500": "answers 500",
    "429": "too many requests",
    "hang": "hangs",
    "drip": "answers drop by drop",
    "garbage": "answers nonsense",
    "error_body": "says 200, means error",
    "greylist": "greylists",
    "mailbox_gone": "receiver is gone",
    "starttls_broken": "broken STARTTLS",
    "no_callback": "takes it, no receipt",
    "undelivered": "takes it, never delivers",
}


def render(messages: list[Message], faults: Faults, *, paused: bool) -> str:
    """The whole page. `paused` leaves out what would load it again by itself."""
    newest = list(reversed(messages))[:_SHOWN]
    last = messages[-1].id if messages else 0
    items = "\n".join(_message(message) for message in newest)
    refresh = "" if paused else '<noscript><meta http-equiv="refresh" content="3"></noscript>'
    script = "" if paused else '<script src="/outbox.js" defer></script>'
    switch = '<a href="/">Go on</a>' if paused else '<a href="/?pause=1">Pause</a>'
    older = f'<p class="hint">{len(messages) - _SHOWN} older ones are not shown.</p>' if messages[_SHOWN:] else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}
<title>Outbox</title>
<link rel="icon" href="/icon.png">
<link rel="stylesheet" href="/tipline.css">
<link rel="stylesheet" href="/outbox.css">
{script}
</head>
<body data-last="{last}">
<main class="page stack">
<header class="stack outbox-head">
<div class="row row-apart"><h1>Outbox</h1>
<nav class="nav" aria-label="Page">{switch}<form method="post" action="/forget">
<button class="outbox-link">Clear</button></form></nav></div>
<p>Every text message, call and e-mail this installation sends to its coordinators ends here. Nothing
leaves this machine. Answer a text message, or key digits into a call, to play the coordinator.</p>
<p class="hint" id="news" role="status">{_count(messages)}{" The page is paused." if paused else ""}</p>
</header>
<div class="outbox-list">
{items or '<p class="empty">Nothing yet. Send a tip that cannot wait, and the page arrives here.</p>'}
</div>
{older}
{_trouble(faults)}
</main>
</body>
</html>
"""


def prefilled(body: str) -> str:
    """The answer a message asks for, or "": sending it as it stands takes the page."""
    found = _REPLY.search(body)
    return found[1] if found else ""


def _message(message: Message) -> str:
    return {"sms": _sms, "voice": _call}.get(message.kind, _mail)(message)


def _sms(message: Message) -> str:
    answers = "".join(_answer(answer) for answer in message.answers)
    wish = prefilled(message.body) if not message.answers else ""
    return f"""<article class="outbox-item" id="m{message.id}" aria-label="Text message {message.id}">
{_head(message, "Text to")}
<p class="outbox-bubble">{escape(message.body)}</p>
{answers}
<form class="outbox-reply" method="post" action="/answer">
<input type="hidden" name="message" value="{message.id}">
<label class="hide" for="t{message.id}">Answer from {escape(message.to)}</label>
<input class="input" id="t{message.id}" name="text" value="{escape(wish)}" placeholder="Answer"
 autocomplete="off" maxlength="1600" required>
<button class="button{"" if wish else " button-quiet"}">Reply</button>
</form>
</article>"""


def _call(message: Message) -> str:
    keyed = "".join(_answer(answer) for answer in message.answers)
    return f"""<article class="outbox-item" id="m{message.id}" aria-label="Call {message.id}">
{_head(message, "Call to")}
<p class="outbox-bubble">{escape(message.body)}</p>
{keyed}
<form class="outbox-reply" method="post" action="/answer">
<input type="hidden" name="message" value="{message.id}">
<label class="hide" for="t{message.id}">Keys pressed on {escape(message.to)}</label>
<input class="input" id="t{message.id}" name="text" inputmode="numeric" pattern="[0-9#*]+"
 placeholder="Your four digits, or 9" autocomplete="off" maxlength="20" required>
<button class="button button-quiet">Key in</button>
</form>
</article>"""


def _answer(answer: Answer) -> str:
    if answer.status == 0:
        verdict = "The pager door could not be reached."
    elif 200 <= answer.status < 300:
        verdict = "Handed to the pager door."
    else:
        verdict = f"The pager door refused it ({answer.status})."
    return f"""<p class="outbox-bubble outbox-mine">{escape(answer.text)}</p>
<p class="hint outbox-verdict">{verdict}</p>"""


def _mail(message: Message) -> str:
    return f"""<article class="outbox-item" id="m{message.id}" aria-label="E-mail {message.id}">
{_head(message, "E-mail to")}
<div class="outbox-mail"><h2>{escape(message.subject) or "(no subject)"}</h2>
<p class="hint">From {escape(message.sender)}</p>
<div class="outbox-text">{escape(message.body)}</div></div>
</article>"""


def _head(message: Message, verb: str) -> str:
    notes = []
    if message.duplicate_of:
        notes.append(f'the same page <a href="#m{message.duplicate_of}">once more</a>')
    if not message.accepted:
        notes.append("arrived, but the sender was not told")
    if message.receipts:
        status, _, code = message.receipts[-1].partition(" ")
        heard = "" if code.startswith("2") else ", but the pager door did not hear it"
        notes.append(escape(status) + heard)
    via = f"via {_NAMES[message.service]}" if message.kind == "sms" else ""
    detail = ", ".join(note for note in (via, *notes) if note)
    return f"""<p class="outbox-from"><span>{verb} <strong>{escape(message.to)}</strong></span>
<time class="number">{message.arrived}</time></p>{f'<p class="hint">{detail}</p>' if detail else ""}"""


def _count(messages: list[Message]) -> str:
    kinds = Counter(message.kind for message in messages)
    names = (("sms", "text message"), ("voice", "call"), ("mail", "e-mail"))
    return ", ".join(f"{kinds[kind]} {name}{'' if kinds[kind] == 1 else 's'}" for kind, name in names) + "."


def _trouble(faults: Faults) -> str:
    now = {service: faults.peek(service).mode for service in MODES}
    selects = "".join(_select(service, mode) for service, mode in now.items())
    ill = [f"{_NAMES[service]}: {_PLAIN_MODES[mode]}" for service, mode in now.items() if mode != "ok"]
    summary = f"Misbehaving now. {'; '.join(ill)}" if ill else "Make a provider misbehave"
    return f"""<details class="fold{" card-danger" if ill else ""}"><summary>{summary}</summary>
<form class="outbox-trouble" method="post" action="/control">{selects}
<button class="button button-quiet">Apply</button></form></details>"""


def _select(service: str, now: str) -> str:
    options = "".join(
        f'<option value="{mode}"{" selected" if mode == now else ""}>{_PLAIN_MODES[mode]}</option>'
        for mode in MODES[service]
    )
    return f"""<div><label class="label" for="f-{service}">{_NAMES[service]}</label>
<select class="input" id="f-{service}" name="{service}">{options}</select></div>"""
