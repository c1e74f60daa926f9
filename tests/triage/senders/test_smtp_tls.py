"""STARTTLS: verified, never given up for plain text."""

import datetime as dt
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tipline.outbox import OutboxServer
from triage.escalation.senders import Outcome
from triage.escalation.senders.smtp import SmtpSender, SmtpSettings

FROM = "page@tips.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1 with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "outbox")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_box(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with OutboxServer(tls=context) as box:
        yield box


def test_a_mail_goes_over_verified_starttls_with_a_password(tls_box, certificate, page_mail):
    settings = SmtpSettings(
        "127.0.0.1", tls_box.smtp_port, FROM, "user", "word", starttls=True, ca_file=str(certificate)
    )

    result = SmtpSender(settings).send(page_mail)

    assert result.outcome is Outcome.ACCEPTED
    assert tls_box.messages()[0].body == page_mail.body


def test_a_certificate_nobody_vouches_for_stops_the_mail(tls_box, page_mail):
    settings = SmtpSettings("127.0.0.1", tls_box.smtp_port, FROM, starttls=True)

    result = SmtpSender(settings).send(page_mail)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "tls")
    assert not tls_box.messages()


def test_a_certificate_for_another_host_stops_the_mail(tls_box, certificate, page_mail):
    settings = SmtpSettings("localhost", tls_box.smtp_port, FROM, starttls=True, ca_file=str(certificate))

    result = SmtpSender(settings).send(page_mail)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "tls")


def test_a_server_without_starttls_gets_no_mail_in_clear(box, page_mail):
    settings = SmtpSettings("127.0.0.1", box.smtp_port, FROM, starttls=True)

    result = SmtpSender(settings).send(page_mail)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "starttls_missing")
    assert not box.messages()


def test_a_broken_starttls_fails_for_now(box, page_mail):
    box.control(smtp={"mode": "starttls_broken"})

    result = SmtpSender(SmtpSettings("127.0.0.1", box.smtp_port, FROM, starttls=True)).send(page_mail)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "tls")
    assert not box.messages()


def test_a_hang_inside_tls_is_bounded_and_unknown(tls_box, certificate, page_mail):
    tls_box.control(smtp={"mode": "hang", "seconds": 20})
    settings = SmtpSettings("127.0.0.1", tls_box.smtp_port, FROM, starttls=True, ca_file=str(certificate))

    result = SmtpSender(settings).send(page_mail, timeout=0.8)

    assert (result.outcome, result.detail) == (Outcome.UNKNOWN, "timeout_after_data")


def test_a_tls_handshake_that_never_answers_is_bounded(page_mail, stub_server):
    port = stub_server([])
    settings = SmtpSettings("127.0.0.1", port, FROM, implicit_tls=True)

    result = SmtpSender(settings).send(page_mail, timeout=0.5)

    assert (result.outcome, result.detail) == (Outcome.FAILED_FOR_NOW, "connect_timeout")


def test_a_password_is_never_configured_for_a_plain_connection():
    with pytest.raises(ValueError, match="STARTTLS"):
        SmtpSettings("mail.example", 25, FROM, "user", "word")


def test_settings_do_not_show_their_password():
    assert "word" not in repr(SmtpSettings("mail.example", 25, FROM, "user", "word", starttls=True))
