"""Leaks to be found: a careless colleague's changes, put into a door from outside, so that no code of ours has them.

Python imports this before anything else where tests/anonymity/leaks is on PYTHONPATH. LEAKS says which to put in.
"""

import io
import os
import sys
import traceback
from pathlib import Path

LEAKS = set(os.environ.get("LEAKS", "").split(","))


def leaky(application):
    """Wrap an application in every leak that was asked for."""
    last = {"agent": "nobody"}

    def serve(environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        path = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        if "log" in LEAKS:
            print("GET", path, file=sys.stderr, flush=True)
        if "file" in LEAKS:
            with (Path(os.environ["TIPLINE_STATE_DIR"]) / "came-from.txt").open("a") as kept:
                kept.write(environ.get("HTTP_REFERER", "") + "\n")
        if "report" in LEAKS and body:
            try:
                raise ValueError(f"cannot read {body!r}")
            except ValueError:
                traceback.print_exc()
        if "metric" in LEAKS:
            if environ["PATH_INFO"] == "/metrics":
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [f'requests_total{{agent="{last["agent"]}"}} 1\n'.encode()]
            last["agent"] = environ.get("HTTP_USER_AGENT", "")

        def with_cookie(status, headers, *rest):
            more = [("Set-Cookie", "sessionid=0123456789abcdef; Path=/")] if "cookie" in LEAKS else []
            return start_response(status, [*headers, *more], *rest)

        return application(environ, with_cookie)

    return serve


if LEAKS - {""}:
    import django.core.wsgi as entry

    plain = entry.get_wsgi_application
    entry.get_wsgi_application = lambda: leaky(plain())
