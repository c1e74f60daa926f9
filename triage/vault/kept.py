"""The two peppers, sealed to a program's key for tips: they lie outside the database, and a fire takes both places.

Whoever opens the program's key (a holder, or the recovery kit) has them again. They give a thief
nothing: the key they are sealed to is reached through a pass phrase and a pepper.
"""

from collections.abc import Mapping

from intake.models import Program, ProgramKey, Purpose
from tipline.kernel import wraps
from triage.models import KeptSecret


def keep(program: Program, secrets: Mapping[str, str]) -> None:
    """Seal what is not kept yet. Needs no private key, so that it is done at start-up."""
    key = ProgramKey.objects.get(program=program, purpose=Purpose.CONTENT, retired=False)
    there = set(KeptSecret.objects.filter(program=program).values_list("name", flat=True))
    for name in secrets.keys() - there:
        _seal(key, name, secrets[name].encode()).save(force_insert=True)


def opened(key: ProgramKey, seed: bytes) -> dict[str, str]:
    """Return what is kept under this key, by name. Raises SealBroken."""
    return {
        each.name: wraps.unwrap(bytes(each.sealed), seed=seed, holder=_place(key, each.name)).decode()
        for each in KeptSecret.objects.filter(program_key=key)
    }


def move(old: ProgramKey, old_seed: bytes, *, to: ProgramKey) -> None:
    """Seal what was kept under a key that is being retired to the one that follows it."""
    found = opened(old, old_seed)
    KeptSecret.objects.filter(program_key=old).delete()
    for name, secret in found.items():
        _seal(to, name, secret.encode()).save(force_insert=True)


def _seal(key: ProgramKey, name: str, secret: bytes) -> KeptSecret:
    sealed = wraps.wrap(secret, public=bytes(key.public_key), holder=_place(key, name))
    return KeptSecret(program_id=key.program_id, name=name, program_key=key, sealed=sealed)


def _place(key: ProgramKey, name: str) -> wraps.Holder:
    return wraps.Holder(key.program_id, key.program_id, f"kept-{name}", key.pk)
