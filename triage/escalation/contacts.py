"""How people are reached: addresses sealed for the pagers, and found again by a keyed hash."""

import hashlib
import hmac
import re
import secrets
import string
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from intake.models import Program
from tipline.kernel import sealing
from triage.escalation.senders import mail
from triage.models import Channel, Contact, User

FIELD = "contact-address"
DIGITS = "contact-digits"
DIGITS_LENGTH = 4
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN_DIGITS = re.compile(r"[\s().\u00a0\u2010-\u2015/-]")


class BadAddress(ValueError):
    """Neither a telephone number with its country code nor a plain e-mail address."""


def add_contact(user: User, program: Program, channel: str, address: str) -> Contact:
    """Store how a person is reached; the same address again switches the contact on again.

    Raises BadAddress.
    """
    normal = normalise(channel, address)
    mac = address_mac(channel, normal)
    known = Contact.objects.filter(program=program, user=user, channel=channel, address_mac=mac).first()
    if known:
        known.active, known.failing = True, False
        known.save(update_fields=["active", "failing"])
        return known
    contact = Contact(user=user, program=program, channel=channel, address_mac=mac)
    contact.sealed = sealing.seal(normal.encode(), key=_key("seal"), place=_place(contact))
    if channel == Channel.VOICE:
        contact.sealed_digits = _new_digits(contact)
    contact.save(force_insert=True)
    return contact


def forget(contact: Contact) -> None:
    """Remove a number or mailbox. The row stays, because pages that were sent tell of it; the address goes."""
    Contact.objects.filter(pk=contact.pk).update(
        active=False, sealed=b"", sealed_digits=b"", address_mac=contact.pk.bytes
    )


def renew_digits(contact: Contact) -> None:
    """Give a voice contact other digits; who heard the old ones can take nothing with them."""
    contact.sealed_digits = _new_digits(contact)
    contact.save(update_fields=["sealed_digits"])


def open_digits(contact: Contact) -> str:
    """Return the four digits of a voice contact. Raises SealBroken."""
    return sealing.unseal(bytes(contact.sealed_digits), key=_key("seal"), place=_place(contact, DIGITS)).decode()


def digits_match(contact: Contact, keyed: str) -> bool:
    """Whether somebody on the telephone keyed this contact's digits, in the same time whatever the answer."""
    return hmac.compare_digest(open_digits(contact).encode(), keyed.encode())


def open_address(contact: Contact) -> str:
    """Return a contact's address. Raises SealBroken."""
    return sealing.unseal(bytes(contact.sealed), key=_key("seal"), place=_place(contact)).decode()


def normalise(channel: str, address: str) -> str:
    """Return a number as E.164, a mail address without blanks around it. Raises BadAddress."""
    if channel == Channel.EMAIL:
        try:
            return mail.checked_address(address.strip())
        except ValueError:
            raise BadAddress from None
    number = _BETWEEN_DIGITS.sub("", address)
    number = f"+{number[2:]}" if number.startswith("00") else number
    if not _E164.fullmatch(number):
        raise BadAddress
    return number


def address_mac(channel: str, normal: str) -> bytes:
    """Return what a normalised address is found by. One number is one address, called or texted."""
    kind = "email" if channel == Channel.EMAIL else "phone"
    found = normal.casefold() if channel == Channel.EMAIL else normal
    return hmac.new(_key("mac"), f"{kind}|{found}".encode(), hashlib.sha256).digest()


def sender_mac(number: str) -> bytes | None:
    """Return the hash of the number a reply came from, which providers write with or without the plus."""
    bare = number.strip()
    try:
        normal = normalise(Channel.SMS, bare if bare.startswith(("+", "00")) else f"+{bare}")
    except BadAddress:
        return None
    return address_mac(Channel.SMS, normal)


def _new_digits(contact: Contact) -> bytes:
    digits = "".join(secrets.choice(string.digits) for _ in range(DIGITS_LENGTH))
    return sealing.seal(digits.encode(), key=_key("seal"), place=_place(contact, DIGITS))


def _place(contact: Contact, field: str = FIELD) -> sealing.Place:
    return sealing.Place(contact.program_id, contact.pk, field)


def _key(use: str) -> bytes:
    return _derived(settings.CONTACTS_KEY, use)


@cache
def _derived(secret: str, use: str) -> bytes:
    if not secret:
        raise ValueError("This process was not given the key of the contacts.")
    return HKDF(hashes.SHA256(), 32, None, b"tipline-contacts|" + use.encode()).derive(secret.encode())
