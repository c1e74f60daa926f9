"""python -m tipline.outbox: the local outside world of scripts/up."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from tipline.outbox.postman import Pager
from tipline.outbox.server import OutboxServer, Tokens


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns 1, with one clear line, if it cannot start."""
    wish = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        twilio = _secret(wish.twilio_token_file)
        box = OutboxServer(
            _address(wish.http),
            _address(wish.smtp),
            pager=Pager(wish.pager_url, _secret(wish.sms_secret_file), twilio),
            tokens=Tokens(_secret(wish.sms_token_file), twilio),
        )
    except (OSError, ValueError, OverflowError) as fault:
        sys.stderr.write(f"The outbox cannot start: {fault}\n")
        return 1
    sys.stdout.write(f"Outbox: {box.http_url}/ (mail port {box.smtp_port})\n")
    sys.stdout.flush()
    with box:
        stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tipline.outbox", description=main.__doc__)
    parser.add_argument("--http", default="127.0.0.1:8003", help="host:port of the page and the providers")
    parser.add_argument("--smtp", default="127.0.0.1:8025", help="host:port of the mail server")
    parser.add_argument("--pager-url", default="", help="the pager door, for replies and delivery receipts")
    parser.add_argument("--sms-token-file", help="bearer token the SMS gateway expects (default: any)")
    parser.add_argument("--sms-secret-file", help="secret the SMS gateway signs its callbacks with")
    parser.add_argument("--twilio-token-file", help="Twilio token, for its API and its signatures")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        raise ValueError(f"{text} is not host:port")
    return host.strip("[]"), int(port)


def _secret(name: str | None) -> str:
    return Path(name).read_text().strip() if name else ""


if __name__ == "__main__":
    sys.exit(main())
