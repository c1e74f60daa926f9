"""A passkey without a phone: answers what navigator.credentials would (WebAuthn Level 2, 6.1 and 6.5)."""

import hashlib
import html
import json
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse
from fido2 import cbor
from fido2.cose import ES256

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def options_of(answer: HttpResponse) -> str:
    """What a page hands the browser."""
    found = re.search(r'data-options="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    return html.unescape(found[1])


class Authenticator:
    """Holds one passkey for one site and one person."""

    def __init__(self, site: str = "localhost", *, verifies: bool = True) -> None:
        self.site = site
        self.flags = PRESENT | (VERIFIED if verifies else 0)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.handle = ""

    def make(self, options: str) -> str:
        """Answer to navigator.credentials.create."""
        asked = json.loads(options)["publicKey"]
        self.handle = asked["user"]["id"]
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        key = bytes(16) + len(self.id).to_bytes(2) + self.id + public
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(WITH_KEY) + key}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", asked["challenge"]),
            attestationObject=cbor.encode(attestation),
        )

    def use(self, options: str) -> str:
        """Answer to navigator.credentials.get."""
        client = self._client("webauthn.get", json.loads(options)["publicKey"]["challenge"])
        data = self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, more: int = 0) -> bytes:
        return hashlib.sha256(self.site.encode()).digest() + bytes([self.flags | more]) + bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": f"https://{self.site}"}).encode()

    def _answer(self, **parts: bytes) -> str:
        response: dict[str, Any] = {name: text(part) for name, part in parts.items()}
        if "signature" in response:
            response["userHandle"] = self.handle
        rest = {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "clientExtensionResults": {}}
        return json.dumps({**rest, "response": response})
