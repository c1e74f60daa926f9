"""systemd units for the processes of the one table: the way to run Tipline without containers.

    python -m tipline.runner.units ops/systemd

writes them anew (a test compares). The code lies in /opt/tipline with its .venv, the settings in
/etc/tipline, the secrets in /etc/tipline/secrets, what must stay in /var/lib/tipline.
"""

import sys
from pathlib import Path

from tipline.runner.processes import OWNER, PROCESSES, PYTHON, Process
from tipline.runner.secrets import ALL

CODE = "/opt/tipline"
SETTINGS = "/etc/tipline"
STATE = "/var/lib/tipline"
DEPLOYED = tuple(process for process in PROCESSES if not process.local_only)

# Least privilege, as docker-compose.yml has it. systemd.exec(5) and systemd.resource-control(5) say what each does.
SANDBOX = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
TasksMax=256
# A core file or a page of swap is a copy of memory, and memory holds tips.
LimitCORE=0
MemorySwapMax=0"""

# Who pages reaches the world; the others reach this machine and nothing else.
LOOPBACK_ONLY = """\
IPAddressDeny=any
IPAddressAllow=localhost"""

TARGET = """\
[Unit]
Description=Tipline
Wants={services}

[Install]
WantedBy=multi-user.target
"""

MIGRATE = """\
# Runs before every start and ends: roles, tables, grants, the first program and coordinator.
[Unit]
Description=Tipline: prepare the database
After=network-online.target postgresql.service
Wants=network-online.target
PartOf=tipline.target

[Service]
Type=oneshot
RemainAfterExit=yes
User={user}
WorkingDirectory={code}
{environment}
EnvironmentFile={settings}/tipline.env
EnvironmentFile={settings}/gateways.env
{credentials}
ExecStart={python} manage.py collectstatic --noinput --verbosity 0
ExecStart={python} -m tipline.runner.install setup
ReadWritePaths={state}
{sandbox}
{loopback}
"""

BACKUP = """\
# Started each night by tipline-backup.timer.
[Unit]
Description=Tipline: back up
After=postgresql.service

[Service]
Type=oneshot
User={user}
WorkingDirectory={code}
{environment}
EnvironmentFile={settings}/tipline.env
{credentials}
# The key lies apart from the backups it opens.
ExecStart={python} manage.py backup --to {state}/backups --key {state}/backup-key/key
ReadWritePaths={state}/backups {state}/backup-key
{sandbox}
{loopback}
"""

TIMER = """\
[Unit]
Description=Tipline: back up each night

[Timer]
OnCalendar=03:10
RandomizedDelaySec=20min
Persistent=true

[Install]
WantedBy=timers.target
"""

SERVICE = """\
[Unit]
Description=Tipline: {name}
Requires=tipline-migrate.service
After=tipline-migrate.service
PartOf=tipline.target

[Service]
User={user}
WorkingDirectory={code}
{environment}
EnvironmentFile={settings}/tipline.env
{more}{credentials}
ExecStart={command}
Restart=always
RestartSec=1
TimeoutStopSec=25
{sandbox}
"""


def units() -> dict[str, str]:
    """{file name: its text}."""
    services = [f"tipline-{process.name}.service" for process in DEPLOYED]
    written = {
        "tipline.target": TARGET.format(services=" ".join(services)),
        "tipline-migrate.service": MIGRATE.format(
            user=_user(OWNER),
            code=CODE,
            settings=SETTINGS,
            state=STATE,
            python=_python(),
            environment=_environment({"TIPLINE_ROLE": OWNER}),
            credentials=_credentials(ALL),
            sandbox=SANDBOX,
            loopback=LOOPBACK_ONLY,
        ),
        "tipline-backup.service": BACKUP.format(
            user=_user(OWNER),
            code=CODE,
            settings=SETTINGS,
            state=STATE,
            python=_python(),
            environment=_environment({"TIPLINE_ROLE": OWNER}),
            credentials=_credentials(ALL),
            sandbox=SANDBOX,
            loopback=LOOPBACK_ONLY,
        ),
        "tipline-backup.timer": TIMER,
        "sysusers.conf": _users(),
        "tmpfiles.conf": _directories(),
    }
    return written | dict(zip(services, map(_service, DEPLOYED), strict=True))


def _service(process: Process) -> str:
    environment = {"TIPLINE_ROLE": process.role, **process.environment}
    if process.door is not None:
        environment[f"TIPLINE_{process.name.upper()}_BIND"] = f"127.0.0.1:{8000 + process.door}"
    more = []
    if process.run_volume:
        environment["TIPLINE_RUN_DIR"] = f"/run/tipline-{process.run_volume}"
        # Shared by the processes of one role, in memory; one of them that restarts takes nothing from the others.
        more += [f"RuntimeDirectory=tipline-{process.run_volume}", "RuntimeDirectoryMode=0700"]
        more += ["RuntimeDirectoryPreserve=yes"]
    if process.outbound or process.role == "pager":
        more += [f"EnvironmentFile={SETTINGS}/gateways.env"]
    if process.broker:
        more += [f"EnvironmentFile={SETTINGS}/broker.env"]
    if process.pins:
        more += [f"ReadWritePaths={STATE}/pins"]
    if process.tombstones:
        more += [f"ReadWritePaths={STATE}/tombstones"]
    if not process.outbound:
        more += LOOPBACK_ONLY.splitlines()
    return SERVICE.format(
        name=process.name,
        user=_user(process.role),
        code=CODE,
        settings=SETTINGS,
        environment=_environment(environment),
        credentials=_credentials(process.secrets),
        more="".join(f"{line}\n" for line in more),
        command=" ".join(_python() if word == PYTHON else word.replace("%", "%%") for word in process.command),
        sandbox=SANDBOX,
    )


def _environment(own: dict[str, str]) -> str:
    told = {
        "DJANGO_SETTINGS_MODULE": "tipline.settings",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": "UTC",
        "TIPLINE_STATE_DIR": STATE,
        "TIPLINE_SECRETS_DIR": "%d",  # where systemd puts the credentials of this unit alone, in memory
        "TIPLINE_KEY_PINS": f"{STATE}/pins/pins.txt",
        "TIPLINE_PAGER_EVENT_PUBLIC": f"{STATE}/keys/pager_event_public.txt",
        **own,
    }
    return "\n".join(f"Environment={name}={value}" for name, value in told.items())


def _credentials(names: tuple[str, ...]) -> str:
    return "\n".join(f"LoadCredential={name}:{SETTINGS}/secrets/{name}" for name in names)


def _users() -> str:
    lines = [f'u {_user(role)} - "Tipline, {role}" {STATE}' for role in _roles()]
    return "\n".join(["# sysusers.d(5): each role is another user.", *lines, ""])


def _directories() -> str:
    return "\n".join(
        [
            "# tmpfiles.d(5): who may write where.",
            f"d {STATE} 0755 {_user(OWNER)} {_user(OWNER)}",
            f"d {STATE}/static 0755 {_user(OWNER)} {_user(OWNER)}",
            f"d {STATE}/keys 0755 {_user(OWNER)} {_user(OWNER)}",
            f"d {STATE}/backups 0700 {_user(OWNER)} {_user(OWNER)}",
            f"d {STATE}/backup-key 0700 {_user(OWNER)} {_user(OWNER)}",
            "# The console writes it too, when a key of the program is changed.",
            f"d {STATE}/pins 0775 {_user(OWNER)} {_user('console')}",
            "# What was erased; whoever restores a backup reads it.",
            f"d {STATE}/tombstones 2750 {_user('watch')} {_user(OWNER)}",
            "",
        ]
    )


def _roles() -> list[str]:
    return [OWNER, *dict.fromkeys(process.role for process in DEPLOYED)]


def _user(role: str) -> str:
    return "tipline" if role == OWNER else f"tipline-{role}"


def _python() -> str:
    return f"{CODE}/.venv/bin/python"


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in units().items():
        (directory / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
