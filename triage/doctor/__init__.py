"""What a person should know about this installation, in plain words, and what to do about it."""

from collections.abc import Iterator

from triage.doctor import copies, doors, gateways, kit, machine, people
from triage.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "findings"]

CHECKS = (
    kit.recovery_kit,
    people.holders,
    people.reachable,
    people.alone,
    people.ladders,
    gateways.mail,
    gateways.sms,
    gateways.voice,
    doors.answering,
    copies.backups,
    copies.keeping,
    machine.secrets,
    machine.disk,
    machine.clock,
    machine.memory,
    machine.database,
    machine.demo,
)


def findings() -> Iterator[Finding]:
    """Look at everything, part by part. A part that cannot be looked at is a finding itself."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as fault:
            # The name only: a message may quote what a row holds.
            yield Finding.grave(
                f"{check.__name__} could not be looked at ({type(fault).__name__}).", "Is PostgreSQL up?"
            )
