"""Whether each door answers under the address people use, with the headers it must have."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from tipline.middleware import HEADERS
from triage.doctor.asking import ask
from triage.doctor.finding import Finding

HALF_A_YEAR = 15_768_000


def answering() -> Iterator[Finding]:
    """Ask each door as a visitor would."""
    addresses = {_("The form"): settings.PUBLIC_URL, _("The console"): settings.CONSOLE_URL}
    addresses |= {_("The door for SMS providers"): settings.PAGER_URL}
    for name, url in addresses.items():
        yield from _door(name, url.rstrip("/"))
    if settings.PUBLIC_URL.split("//")[-1].split(":")[0] == settings.CONSOLE_URL.split("//")[-1].split(":")[0] and (
        not settings.LOCAL
    ):
        yield Finding.look(
            _("The form and the console have the same name."),
            _("Give the console another name: what knows one need not know the other."),
        )


def _door(name: str, url: str) -> Iterator[Finding]:
    answer = ask(f"{url}/healthz")
    if answer.status != 200:
        yield Finding.grave(
            _("{name} does not answer at {url} ({fault}).").format(
                name=name, url=url, fault=answer.fault or answer.status
            ),
            _("Is the process up, and does the proxy lead there? Start it again and ask once more."),
        )
        return
    headers = answer.headers or {}
    lacking = [header for header in HEADERS if header.lower() not in headers]
    if lacking:
        yield Finding.grave(
            _("{name} answers without {headers}.").format(name=name, headers=", ".join(lacking)),
            _("Something between visitors and the door takes these headers away."),
        )
    telling = [header for header in ("server", "x-powered-by", "via") if header in headers]
    if telling:
        yield Finding.look(
            _("{name} tells what it runs on ({headers}).").format(name=name, headers=", ".join(telling)),
            _("Have the proxy leave that out."),
        )
    if "set-cookie" in headers:
        yield Finding.grave(
            _("{name} sets a cookie.").format(name=name), _("Something in front of it does: remove it.")
        )
    yield from _encrypted(name, url, headers.get("strict-transport-security", ""))


def _encrypted(name: str, url: str, strict: str) -> Iterator[Finding]:
    if not url.startswith("https://"):
        if settings.LOCAL:
            yield Finding.well(_("{name} answers, on this machine only and without TLS.").format(name=name))
        else:
            yield Finding.grave(
                _("{name} has an address without TLS.").format(name=name), _("Put Caddy in front, and use https://.")
            )
        return
    age = next((part.split("=")[1] for part in strict.replace(" ", "").split(";") if part.startswith("max-age=")), "0")
    if not age.isdigit() or int(age) < HALF_A_YEAR:
        yield Finding.look(
            _("{name} does not tell browsers to insist on TLS.").format(name=name),
            _("The proxy must pass Strict-Transport-Security on."),
        )
    else:
        yield Finding.well(_("{name} answers, over TLS.").format(name=name))
