"""The way back: replies and delivery receipts, posted to the pager door as the providers would."""

import heapq
import http.client
import itertools
import json
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from tipline.outbox.messages import Answer, Message
from triage.escalation.signatures import sign_gateway, sign_twilio

OUR_NUMBER = "+15550000"
RECEIPT_DELAY = 0.2
RINGS = 30.0
"""Seconds a telephone rings before nobody has picked up."""
_TIMEOUT = 5.0


@dataclass(frozen=True)
class Pager:
    """Where the pager door is and the secrets its providers share with it."""

    url: str = ""
    gateway_secret: str = field(default="", repr=False)
    twilio_token: str = field(default="", repr=False)

    def reach(self, path: str) -> str:
        """The full URL of a path of the pager door."""
        return self.url.rstrip("/") + path


def receipt_of(message: Message) -> tuple[str, float]:
    """Return what will be told of a message, and in how many seconds."""
    fails = message.mode == "undelivered"
    if message.kind == "voice":
        return "no-answer", RECEIPT_DELAY if fails else RINGS
    return "undelivered" if fails else "delivered", RECEIPT_DELAY


class Postman:
    """Posts answers at once and receipts a moment later, on threads of its own."""

    def __init__(self, pager: Pager) -> None:
        self._pager = pager
        self._waiting: list[tuple[float, int, Message, str]] = []
        self._order = itertools.count()
        self._more = threading.Condition()
        self._stopping = False
        self._own = threading.local()
        self._hands = ThreadPoolExecutor(4, "postman")
        self._clock = threading.Thread(target=self._wait, name="receipts", daemon=True)
        self._clock.start()

    def answer(self, message: Message, text: str, sender: str | None = None) -> Answer:
        """Reply to an SMS, or key something in a call; waits for the door's answer.

        It comes from the phone the message went to, or from `sender`.
        """
        answer = Answer(text, sender or message.to, 0)
        if message.kind == "voice":
            answer.status = self._key(message, text)
            message.answers.append(answer)
            self.receipt(message, "completed")
            return answer
        number = f"in-{secrets.token_hex(8)}"
        if message.service == "twilio":
            sid = "SM" + secrets.token_hex(16)
            form = {
                "MessageSid": sid,
                "SmsSid": sid,
                "AccountSid": message.headers.get("Account", ""),
                "From": answer.sender,
                "To": message.sender,
                "Body": text,
                "NumMedia": "0",
            }
            answer.status = self._twilio(self._pager.reach("/sms/twilio/"), form)
        else:
            content = {"from": answer.sender, "to": OUR_NUMBER, "text": text, "id": number}
            answer.status = self._gateway(self._pager.reach("/sms/gateway/"), content)
        message.answers.append(answer)
        return answer

    def receipt(self, message: Message, status: str, delay: float = RECEIPT_DELAY) -> None:
        """Tell the pager door in `delay` seconds what became of a message. Best effort."""
        if not self._pager.url:
            return
        with self._more:
            heapq.heappush(self._waiting, (time.monotonic() + delay, next(self._order), message, status))
            self._more.notify()

    def stop(self) -> None:
        """Drop what is still waiting."""
        with self._more:
            self._stopping = True
            self._more.notify()
        self._clock.join(5)
        self._hands.shutdown(wait=True, cancel_futures=True)

    def _wait(self) -> None:
        while True:
            with self._more:
                if self._stopping:
                    return
                wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if wait is None or wait > 0:
                    self._more.wait(wait)
                    continue
                _, _, message, status = heapq.heappop(self._waiting)
            with suppress(RuntimeError):  # shut down between the two lines
                self._hands.submit(self._tell, message, status)

    def _key(self, message: Message, digits: str) -> int:
        form = self._call(message) | {"Digits": digits.rstrip("#"), "CallStatus": "in-progress"}
        return self._twilio(message.headers.get("Keyed", ""), form)

    def _call(self, message: Message) -> dict[str, str]:
        return {
            "CallSid": message.provider_reference,
            "AccountSid": message.headers.get("Account", ""),
            "From": message.sender,
            "To": message.to,
        }

    def _tell(self, message: Message, status: str) -> None:
        if message.kind == "voice":
            if status == "no-answer" and message.answers:
                return  # somebody did pick up
            form = self._call(message) | {"CallStatus": status}
            code = self._twilio(message.callback, form) if message.callback else 0
        elif message.service == "twilio":
            form = {
                "MessageSid": message.provider_reference,
                "SmsSid": message.provider_reference,
                "MessageStatus": status,
                "SmsStatus": status,
                "AccountSid": message.headers.get("Account", ""),
                "From": message.sender,
                "To": message.to,
            }
            if status != "delivered":
                form["ErrorCode"] = "30003"
            code = self._twilio(message.callback, form) if message.callback else 0
        else:
            content = {"id": message.provider_reference, "reference": message.reference, "status": status}
            code = self._gateway(self._pager.reach("/receipts/gateway/"), content)
        message.receipts.append(f"{status} {code}")

    def _gateway(self, url: str, content: dict[str, str]) -> int:
        body = json.dumps(content).encode()
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Tipline-Timestamp": stamp,
            "X-Tipline-Signature": sign_gateway(self._pager.gateway_secret, stamp, body),
        }
        return self._post(url, body, headers)

    def _twilio(self, url: str, form: dict[str, str]) -> int:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": sign_twilio(self._pager.twilio_token, url, form),
        }
        return self._post(url, urlencode(form).encode(), headers)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        # The callback's URL comes with the message: this world calls the pager door and nobody else.
        if not self._pager.url or not url.startswith(self._pager.reach("/")):
            return 0
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        kept: http.client.HTTPConnection | None = self._own.__dict__.pop("talk", None)
        # A kept connection may have been closed meanwhile; the door knows a callback that comes twice.
        for talk in filter(
            None, (kept, http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT))
        ):
            try:
                talk.request("POST", path, body, headers)
                with talk.getresponse() as reply:
                    reply.read(65_536)
            except (OSError, http.client.HTTPException):
                talk.close()
            else:
                self._own.talk = talk
                return reply.status
        return 0
