"""A newcomer follows the operator's guide, from secrets to a page at their own mail server and SMS gateway.

What the guide writes into files is taken from the guide; only the names of servers that a reader would
replace by their own are replaced. systemd itself is stood in for, with the units of ops/systemd.
"""

import http.client
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.docs.standing_in import ROOT, Machine
from tests.story.desk import Desk
from tests.story.house import free_base_port, until
from tests.story.papers import Papers
from tests.story.street import Street
from tipline.outbox import OutboxServer
from tipline.outbox.messages import Message
from tipline.outbox.postman import Pager
from tipline.outbox.server import Tokens
from tipline.runner import secrets
from tipline.runner.places import Places
from tipline.runner.servers import Servers

pytestmark = pytest.mark.system

GUIDE = ROOT / "docs" / "operator-guide.md"
THREAT = "He said he will bring his uncle's gun to school tomorrow"
NUMBER, MAILBOX = "+14165550177", "ada@program.example"


def written_in_the_guide(name: str) -> str:
    """What the guide says stands in a file."""
    found = re.search(rf"<!-- walk: {re.escape(name)} -->\n```\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found, f"the guide no longer says what stands in {name}"
    return found[1]


@dataclass
class Newcomer:
    """Somebody's server, and the world outside it."""

    machine: Machine
    base: int
    outside: OutboxServer
    first_lines: str

    def port_of(self, name: str) -> int:
        return self.base + {"public": 0, "console": 1, "pager": 2}[name]

    def one_time_code(self, name: str) -> str:
        found = re.search(rf"name: {name}  one-time code: ([a-z -]+)$", self.first_lines, re.MULTILINE)
        assert found, self.first_lines
        return found[1]

    def got(self, channel: str, said: str) -> Message:
        """The first message of a kind that came out of the server and says this."""
        return self.outside.wait_for(lambda message: message.kind == channel and said in message.body, 30)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    directory = tmp_path_factory.mktemp("server")
    base = free_base_port()
    machine = Machine(directory, {str(8000 + door): str(base + door) for door in range(3)})
    run = [sys.executable, "-m", "tipline.runner.secrets", machine.settings / "secrets"]
    subprocess.run(run, cwd=ROOT, check=True, env={"PATH": os.environ["PATH"]})
    places = Places.of(directory / "servers", secrets=machine.settings / "secrets")
    servers = Servers(places, durable=False)
    servers.start()
    secret = {name: secrets.read(places.secrets, name) for name in ("sms_gateway_token", "sms_gateway_secret")}
    pager = Pager(f"http://127.0.0.1:{base + 2}", secret["sms_gateway_secret"], "")
    try:
        with OutboxServer(pager=pager, tokens=Tokens(secret["sms_gateway_token"])) as outside:
            theirs = {
                "TIPLINE_DB_HOST=127.0.0.1": f"TIPLINE_DB_HOST={places.postgres_sockets}",
                "mail.example.org": "127.0.0.1",
                "SMTP_PORT=587": f"SMTP_PORT={outside.smtp_port}",
                # The mail server of the test knows no passwords and has no certificate.
                "SMTP_USER=tips@example.org": "SMTP_USER=",
                "STARTTLS=true": "STARTTLS=false",
                "https://sms.example.org/send": f"{outside.http_url}/sms",
                "redis://127.0.0.1:6379/0": places.broker_url,
            }
            for name in ("tipline.env", "gateways.env", "broker.env"):
                text = written_in_the_guide(name)
                for reader, ours in theirs.items():
                    text = text.replace(reader, ours)
                (machine.settings / name).write_text(text)
            said = machine.migrate()
            with machine.started():
                yield Newcomer(machine, base, outside, said)
    finally:
        servers.stop()


@pytest.fixture(scope="module")
def desk(newcomer: Newcomer) -> Desk:
    """The first coordinator, by the names the guide uses, behind a proxy that ends TLS."""
    for name in ("public", "console", "pager"):
        until(lambda name=name: _answers(newcomer.port_of(name)), 60, pause=0.2)  # type: ignore[misc]
    desk = Desk(newcomer, Papers(), host="desk.example.org")  # type: ignore[arg-type]
    desk.sign_in()
    return desk


def _answers(port: int) -> bool:
    talk = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        talk.request("GET", "/healthz", headers={"Host": "localhost"})
        return talk.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        talk.close()


def test_a_newcomer_who_follows_the_guide_is_paged_by_their_own_mail_and_sms(newcomer: Newcomer, desk: Desk) -> None:
    for channel, address in (("sms", NUMBER), ("email", MAILBOX)):
        token = desk.get("/you/calls/").token
        assert desk.post("/you/calls/add/", csrfmiddlewaretoken=token, channel=channel, address=address).status == 302

    # A test page, as the guide tells everybody to send.
    shown = desk.get("/you/calls/")
    path = re.search(r"/you/calls/[0-9a-f-]{36}/test/", shown.text)
    assert path
    desk.post(path[0], csrfmiddlewaretoken=shown.token)
    drill = newcomer.got("sms", " TEST. ")
    code = re.search(r"Reply (\d\d \w{6})", drill.body)
    assert code
    newcomer.outside.answer(drill.id, code[1])
    until(lambda: "It works" in desk.get("/you/calls/").text, 20)

    # And the real thing.
    street = Street(newcomer, host="tips.example.org")  # type: ignore[arg-type]
    assert len(street.send_until_received(THREAT).words.split()) == 7
    page = newcomer.got("sms", " NOW. ")
    assert page.to == NUMBER
    assert newcomer.got("mail", ", NOW. ").to == MAILBOX
    assert not {"gun", "school", "uncle"} & set(re.findall(r"\w+", page.body.lower()))
    assert "Traceback" not in newcomer.machine.journal


def test_the_settings_the_guide_has_printed_keep_words_out_of_another_postgresql() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tipline.runner.postgres"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert "log_min_error_statement = 'panic'" in said
    assert "track_activities = 'off'" in said
    assert "listen_addresses" not in said
