"""The one table of what runs: each process, its role, its command, and what it may know.

`scripts/up` starts it, docker-compose.yml repeats it for separate users (a test compares the two),
and tipline/settings.py names the same secrets for the same roles (so does that).
"""

from dataclasses import dataclass, field

PYTHON = "python"  # stands for the interpreter of the virtual environment

# Each has a login of its own in PostgreSQL, tipline_<role>, with the least it needs.
OWNER = "owner"
ROLES = (OWNER, "public", "pager", "console", "triage", "page", "watch", "custodian")

# What each role may know. A process gets these secrets, as files, and no others.
SECRETS: dict[str, tuple[str, ...]] = {
    "public": ("receipt_pepper", "idempotency_pepper", "nonce_key", "epoch_mac", "db_public"),
    "pager": ("sms_gateway_secret", "twilio_token", "db_pager"),
    # The three in the middle: a tip taken over the phone is stored as at the public door.
    "console": (
        "django_key", "vault_pepper", "receipt_pepper", "idempotency_pepper", "epoch_mac",
        "contacts_key", "custodian_mac", "metrics_token", "db_console",
    ),
    "triage": ("epoch_mac", "db_triage"),
    "page": (
        "contacts_key", "page_code_key", "pager_event_private",
        "sms_gateway_token", "twilio_token", "smtp_password", "db_page",
    ),
    "watch": ("epoch_mac", "contacts_key", "sms_gateway_token", "twilio_token", "smtp_password", "db_watch"),
    "custodian": ("custodian_mac", "db_custodian"),
    # The local stand-in for the SMS provider knows what that provider would know.
    "outbox": ("sms_gateway_token", "sms_gateway_secret", "twilio_token"),
}  # fmt: skip

# What was freed must not lie in memory: glibc overwrites it, CPython's own allocator and the
# per-thread cache (which would not) stand aside. For the doors, and for whoever opens a tip.
HYGIENE = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=165",
}


@dataclass(frozen=True)
class Process:
    """One process (gunicorn and Celery have children of their own below it)."""

    name: str
    role: str
    command: tuple[str, ...]
    door: int | None = None  # serves HTTP, at this distance from the base port
    broker: bool = False  # talks to Celery's broker
    outbound: bool = False  # may open connections to the world (SMTP, SMS providers)
    run_volume: str | None = None  # shares short-lived keys in memory with others of that name
    pins: bool = False  # may say which program keys the public door seals to
    tombstones: bool = False  # writes down, outside the database, what was erased
    environment: dict[str, str] = field(default_factory=dict)
    local_only: bool = False  # scripts/up has it, a real installation does not

    @property
    def secrets(self) -> tuple[str, ...]:
        return SECRETS[self.role]


_GUNICORN = (PYTHON, "-m", "gunicorn", "-c", "tipline/gunicorn.py", "tipline.wsgi:application")
# The checks are scripts/test's business: at every start they would only load the console's pages.
_CELERY = (
    *(PYTHON, "-m", "celery", "--quiet", "--skip-checks", "-A", "tipline", "worker"),
    *("--loglevel", "WARNING"),
)
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
_MANAGE = (PYTHON, "manage.py")

PROCESSES: tuple[Process, ...] = (
    Process("public", "public", _GUNICORN, door=0, run_volume="public", environment=HYGIENE),
    Process("console", "console", _GUNICORN, door=1, pins=True, environment=HYGIENE),
    Process("pager", "pager", _GUNICORN, door=2, environment=HYGIENE),
    Process(
        "triage-worker",
        "triage",
        # A process of its own for the work: a text that takes too long can be ended.
        (*_CELERY, *_ALONE, "-n", "triage@%h", "-Q", "triage,triage_new", "--pool", "prefork", "-c", "1"),
        broker=True,
        run_volume="triage",
        environment=HYGIENE,
    ),
    Process(
        "page-worker",
        "page",
        # It only claims: what waits for providers are threads of its own (triage.escalation.sending).
        (*_CELERY, *_ALONE, "-n", "page@%h", "-Q", "page", "--pool", "threads", "-c", "2"),
        broker=True,
        outbound=True,
    ),
    Process(
        "escalator-triage",
        "triage",
        (*_MANAGE, "escalator", "--triage"),
        broker=True,
        run_volume="triage",
        environment=HYGIENE,
    ),
    Process(
        "escalator-page",
        "page",
        (*_MANAGE, "escalator", "--page"),
        broker=True,
        outbound=True,
    ),
    Process("watch", "watch", (*_MANAGE, "watch"), outbound=True, run_volume="watch", tombstones=True),
    Process("custodian", "custodian", (*_MANAGE, "custodian"), environment=HYGIENE),
    Process("outbox", "outbox", (PYTHON, "-m", "tipline.outbox"), door=3, local_only=True),
)
SMTP_DOOR = 25  # the outbox also takes mail, at this distance from the base port


def named(name: str) -> Process:
    """The process of that name."""
    return next(process for process in PROCESSES if process.name == name)
