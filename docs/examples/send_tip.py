#!/usr/bin/env python3
"""Send a tip to a Tipline and look for answers, with nothing but Python's standard library.

    python3 send_tip.py http://127.0.0.1:8000 "They sell pills behind the rink"

It keeps nothing: write the seven words down on paper, or lose them.
"""

import json
import secrets
import sys
import time
from urllib import error, request


class Refused(Exception):
    """The server refused; `problem` says why (RFC 9457)."""

    def __init__(self, problem: dict) -> None:
        super().__init__(problem["title"])
        self.problem = problem


def call(url: str, body: dict | None = None, *, key: str = "", words: str = "") -> dict | None:
    """One call; again with the same key while the server is away or the answer was lost."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": key} if key else {}
    headers |= {"Tipline-Receipt": words} if words else {}
    data = None if body is None else json.dumps(body).encode()
    for patience in (1, 10, 30, 0):
        try:
            with request.urlopen(request.Request(url, data, headers), timeout=30) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except error.HTTPError as refusal:
            problem = json.loads(refusal.read())
            if refusal.code not in {500, 503} or not patience:
                raise Refused(problem) from None
        except OSError:
            if not patience:
                raise
        time.sleep(patience)
    return None


def send(server: str, tip: dict) -> dict:
    """Send a tip; returns the receipt. One key for all tries: however often it is sent, it is one tip."""
    return call(f"{server}/api/v1/tips/", tip, key=secrets.token_urlsafe(24))


def add(server: str, words: str, text: str) -> None:
    """Add something to a tip."""
    call(f"{server}/api/v1/conversation/messages/", {"text": text}, words=words, key=secrets.token_urlsafe(24))


def look(server: str, words: str) -> dict:
    """Look for answers."""
    return call(f"{server}/api/v1/conversation/", words=words)


def lock(server: str, words: str) -> None:
    """Make the words lead nowhere, for ever."""
    call(f"{server}/api/v1/conversation/lock/", {"confirm": "yes"}, words=words)


def main(server: str, text: str) -> int:
    try:
        receipt = send(server.rstrip("/"), {"text": text})
        if receipt["words"] is None:
            print(receipt["detail"])
            return 0
        print("Write these down:", receipt["words"])
        print("or these:", receipt["numbers"])
        answers = look(server.rstrip("/"), receipt["words"])
        print("Answers so far:", len(answers["replies"]))
    except Refused as refusal:
        print(refusal.problem["detail"], *refusal.problem.get("errors", ()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
