"""Signatures against known answers: Twilio's own published vectors, and openssl's for the gateway."""

import pytest

from triage.escalation.signatures import sign_gateway, sign_twilio, verify_gateway, verify_twilio

# The vectors of Twilio's own helper library.
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

NOW = 1_795_000_000.0
BODY = b'{"from":"+15550100","text":"27 K4M9TX"}'


def test_twilios_published_example_is_reproduced_and_accepted() -> None:
    assert sign_twilio(TOKEN, URL, PARAMS) == SIGNATURE
    assert verify_twilio(TOKEN, URL, PARAMS, SIGNATURE)


def test_a_name_given_twice_is_signed_once_per_value_in_order() -> None:
    pairs = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]

    assert sign_twilio(TOKEN, URL, pairs) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (URL.replace(".com", ".com:1234"), SIGNATURE),
        (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (URL.replace("https", "http").replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (URL.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
)
def test_twilio_may_sign_the_url_with_or_without_its_port(url: str, signature: str) -> None:
    assert verify_twilio(TOKEN, url, PARAMS, signature)


@pytest.mark.parametrize(
    ("token", "url", "params", "signature"),
    [
        ("12346", URL, PARAMS, SIGNATURE),
        ("", URL, PARAMS, sign_twilio("", URL, PARAMS)),
        (TOKEN, URL + "3", PARAMS, SIGNATURE),
        (TOKEN, URL, PARAMS | {"Digits": "1235"}, SIGNATURE),
        (TOKEN, URL, PARAMS | {"More": ""}, SIGNATURE),
        (TOKEN, URL, PARAMS, SIGNATURE[:-2]),
        (TOKEN, URL, PARAMS, ""),
        (TOKEN, URL, PARAMS, "ü\ud800"),
        (TOKEN, "https://mycompany.com:nan/", PARAMS, SIGNATURE),
        (TOKEN, "http://[broken", PARAMS, SIGNATURE),
    ],
)
def test_a_forged_twilio_request_is_refused(token: str, url: str, params: dict[str, str], signature: str) -> None:
    assert not verify_twilio(token, url, params, signature)


def test_a_gateway_signature_is_hmac_sha256_over_timestamp_dot_body() -> None:
    # printf '1795000000.The quick brown fox' | openssl dgst -sha256 -hmac key
    known = "7521f916682ccd56d70eaa45cd385d38d65dc1d6428798f07f1e9d412f75e17b"

    assert sign_gateway("key", "1795000000", b"The quick brown fox") == known


@pytest.mark.parametrize("drift", [-300, -1, 0, 299, 300])
def test_a_gateway_callback_is_accepted_within_five_minutes(drift: int) -> None:
    stamp = str(int(NOW) + drift)

    assert verify_gateway("s", stamp, BODY, sign_gateway("s", stamp, BODY), now=NOW)


@pytest.mark.parametrize("drift", [-301, 301, 86_400])
def test_an_old_or_early_gateway_callback_counts_as_replayed(drift: int) -> None:
    stamp = str(int(NOW) + drift)

    assert not verify_gateway("s", stamp, BODY, sign_gateway("s", stamp, BODY), now=NOW)


@pytest.mark.parametrize("stamp", ["", "-5", "1e9", " 1795000000", "١٢٣", "9" * 40, "1795000000.5", "\ud800"])
def test_a_timestamp_that_is_no_plain_number_is_refused(stamp: str) -> None:
    assert not verify_gateway("s", stamp, BODY, sign_gateway("s", stamp, BODY), now=NOW)


def test_a_gateway_signature_binds_secret_time_and_body() -> None:
    stamp = str(int(NOW))
    signature = sign_gateway("s", stamp, BODY)

    assert verify_gateway("s", stamp, BODY, signature, now=NOW)
    assert not verify_gateway("t", stamp, BODY, signature, now=NOW)
    assert not verify_gateway("s", str(int(NOW) + 1), BODY, signature, now=NOW)
    assert not verify_gateway("s", stamp, BODY + b" ", signature, now=NOW)
    assert not verify_gateway("s", stamp, BODY, signature.upper() + "0", now=NOW)
    assert not verify_gateway("", stamp, BODY, sign_gateway("", stamp, BODY), now=NOW)
