"""What stands on the page, and who may look at it or command it."""

import re
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest

from tipline.outbox import OutboxServer
from tipline.outbox.page import prefilled

EVIL = "<script>alert(1)</script>\"'<img src=x onerror=alert(1)> &amp; {{ x }}"


class Outline(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    handle_startendtag = handle_starttag


def test_an_empty_page_says_what_to_do(web):
    reply = web("GET", "/")

    assert reply.status == 200
    assert "Nothing yet." in reply.text


def test_messages_are_shown_newest_first(web, send_sms):
    for number in (1, 2, 3):
        send_sms(f"page {number}", reference=f"r{number}")

    assert re.findall(r"page (\d)", web("GET", "/").text) == ["3", "2", "1"]


def test_nothing_in_a_message_becomes_markup(web, send_sms):
    send_sms(EVIL, to=EVIL)

    tags = [tag for tag, _ in Outline(web("GET", "/").text).tags]
    assert tags.count("script") == 1  # our own, from a file
    assert tags.count("img") == 0


def test_the_page_keeps_a_strict_policy_and_obeys_it(web, send_sms):
    send_sms()

    reply = web("GET", "/")

    policy = reply.getheader("Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag, attributes in Outline(reply.text).tags:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert tag != "script" or attributes["src"] == "/outbox.js"
        assert not str(attributes.get("href", attributes.get("src", "/"))).startswith(("http", "//"))


def test_the_page_wears_the_projects_stylesheet(web):
    reply = web("GET", "/tipline.css")

    assert (reply.status, reply.getheader("Content-Type")) == (200, "text/css")
    assert "--accent" in reply.text


def test_without_scripts_it_refreshes_itself_until_paused(web):
    assert 'http-equiv="refresh"' in web("GET", "/").text

    paused = web("GET", "/?pause=1").text
    assert "refresh" not in paused
    assert "outbox.js" not in paused


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("TL 27 NOW. On it? Reply 27 K4M9TX. No reply: next person.", "27 K4M9TX"),
        ("TL 31 TEST. A drill, no tip. Reply 31 Q7W2BD so we know", "31 Q7W2BD"),
        ("TL 27: yours. Open it within 5 min. Cannot? Reply 27 PASS.", ""),
        ("TL: 12 pages open, 3 separate events, longest wait 4 min.", ""),
    ],
)
def test_the_answer_a_text_asks_for_stands_ready(body, answer):
    assert prefilled(body) == answer


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80", "Origin": "http://evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_site_can_command_nothing(box, web, send_sms, headers):
    send_sms()

    for method, path in [("POST", "/control"), ("POST", "/answer"), ("POST", "/forget")]:
        assert web(method, path, b"gateway=500", **headers).status == 403
    assert web("DELETE", "/messages", **headers).status in (403, 404)
    assert len(box.messages()) == 1
    assert box.faults.peek("gateway").mode == "ok"


def test_a_name_made_to_point_here_reads_nothing(web, send_sms):
    send_sms("secret code")

    for path in ("/", "/messages.json", "/control"):
        reply = web("GET", path, Host="evil.example")
        assert reply.status == 403
        assert "secret code" not in reply.text


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "", "::", "example.com"])
def test_it_refuses_to_listen_anywhere_but_on_loopback(address):
    with pytest.raises(ValueError, match="loopback"):
        OutboxServer((address, 0))
    with pytest.raises(ValueError, match="loopback"):
        OutboxServer(smtp=(address, 0))


def test_the_command_starts_at_once_and_ends_when_told(tmp_path):
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-m", "tipline.outbox", "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        line = process.stdout.readline()
        started = time.monotonic() - start
        process.terminate()
        code = process.wait(5)

    assert re.match(r"Outbox: http://127\.0\.0\.1:\d+/ ", line)
    assert started < 3  # half a second on an idle machine
    assert code == 0


def test_a_taken_port_is_one_clear_line(box):
    port = box.http_url.rpartition(":")[2]

    done = subprocess.run(
        [sys.executable, "-m", "tipline.outbox", "--http", f"127.0.0.1:{port}", "--smtp", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("The outbox cannot start:")
    assert done.stderr.count("\n") == 1
    assert "in use" in done.stderr


def test_it_starts_without_django():
    program = "import sys, tipline.outbox; print(sorted(set(sys.modules) & {'django', 'celery', 'httpx2'}))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
