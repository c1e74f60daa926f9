"""The one table of processes, held against everything that repeats it."""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.runner.conftest import ROOT
from tipline.runner import postgres, secrets
from tipline.runner.environment import Installation
from tipline.runner.places import Places
from tipline.runner.processes import HYGIENE, OWNER, PROCESSES, ROLES, SECRETS, Process, named

DEPLOYED = [process for process in PROCESSES if not process.local_only]
INTERNAL_TO_COMPOSE = {"migrate", "backup", "postgres", "broker", "caddy", "tor"}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    given = {"PATH": "/usr/bin", "HOME": "/home/somebody", "EDITOR": "ed", "TIPLINE_TWILIO_TOKEN": "theirs"}
    return Installation(Places.of(tmp_path), 9000, given)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def secrets_in_settings() -> dict[str, set[str]]:
    """{role: the secrets that tipline/settings.py reads for it}, as its source says."""
    asked: dict[str, set[str]] = {role: {f"db_{role}"} for role in ROLES}
    for node in ast.walk(ast.parse((ROOT / "tipline" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "secret":
            name, roles = node.args[0], node.keywords[0].value
            if isinstance(name, ast.Constant) and isinstance(roles, ast.Set):
                for role in roles.elts:
                    assert isinstance(role, ast.Constant)
                    asked[str(role.value)].add(str(name.value).lower())
    return asked


@pytest.mark.parametrize("role", sorted(set(ROLES) - {OWNER}))
def test_a_role_is_given_exactly_what_settings_asks_for(role: str) -> None:
    assert set(SECRETS[role]) == secrets_in_settings()[role]


def test_every_secret_that_anybody_needs_is_generated() -> None:
    asked = set().union(*secrets_in_settings().values(), *SECRETS.values())

    assert asked <= set(secrets.ALL)


@pytest.mark.parametrize("name", ["public", "pager", "console", "watch", "outbox"])
def test_those_who_do_not_queue_are_not_told_of_the_broker(installation: Installation, name: str) -> None:
    environment = installation.environment(named(name))

    assert not any("redis" in value for value in environment.values())


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_a_process_is_told_its_own_secrets_and_no_others(installation: Installation, process: Process) -> None:
    environment = installation.environment(process)

    told = {name for name in environment if name.endswith("_FILE")}
    assert told == {f"TIPLINE_{secret.upper()}_FILE" for secret in process.secrets}
    assert "theirs" not in environment.values()


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_nothing_of_the_callers_own_environment_reaches_a_process(installation: Installation, process: Process) -> None:
    assert not {"HOME", "EDITOR"} & set(installation.environment(process))


def test_only_those_who_send_know_the_mail_server(installation: Installation) -> None:
    knowing = {p.name for p in PROCESSES if "TIPLINE_SMTP_HOST" in installation.environment(p)}

    assert knowing == {"page-worker", "escalator-page", "watch"}


def test_a_real_gateway_is_never_mixed_with_the_local_outbox(tmp_path: Path) -> None:
    given = {"TIPLINE_SMS_PROVIDERS": "gateway", "TIPLINE_SMS_GATEWAY_URL": "https://sms.example/send"}
    environment = Installation(Places.of(tmp_path), 9000, given).environment(named("page-worker"))

    assert environment["TIPLINE_SMS_GATEWAY_URL"] == "https://sms.example/send"
    assert "TIPLINE_TWILIO_BASE_URL" not in environment
    assert environment["TIPLINE_SMTP_PORT"] == "9025"


def test_the_public_door_overwrites_what_it_frees(installation: Installation) -> None:
    environment = installation.environment(named("public"))

    assert environment["PYTHONMALLOC"] == "malloc"
    assert "perturb=165" in environment["GLIBC_TUNABLES"]
    assert "tcache_count=0" in environment["GLIBC_TUNABLES"]


def test_every_deployed_process_has_a_service_and_every_service_a_process(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) - INTERNAL_TO_COMPOSE == {process.name for process in DEPLOYED}


@pytest.mark.parametrize("process", DEPLOYED, ids=lambda process: process.name)
def test_a_service_runs_its_process_with_its_role_and_secrets(compose: dict[str, Any], process: Process) -> None:
    service = compose["services"][process.name]

    assert tuple(service["command"]) == process.command
    assert service["environment"]["TIPLINE_ROLE"] == process.role
    assert sorted(service["secrets"]) == sorted(process.secrets)
    assert ("TIPLINE_BROKER_URL" in service["environment"]) == process.broker
    assert ("TIPLINE_SMTP_HOST" in service["environment"]) == process.outbound
    assert process.environment.items() <= service["environment"].items()
    if process.door is not None:
        assert service["environment"][f"TIPLINE_{process.name.upper()}_BIND"] == "0.0.0.0:8000"


@pytest.mark.parametrize("process", DEPLOYED, ids=lambda process: process.name)
def test_a_service_meets_only_whom_its_process_needs(compose: dict[str, Any], process: Process) -> None:
    networks = set(compose["services"][process.name]["networks"])
    open_to_the_world = {name for name in networks if not compose["networks"][name].get("internal")}

    assert f"db-{process.role}" in networks
    assert (f"broker-{process.role}" in networks) == process.broker
    assert open_to_the_world == ({"outbound"} if process.outbound else set())
    assert "outside" not in networks


def test_two_roles_never_share_a_network_but_the_way_out(compose: dict[str, Any]) -> None:
    roles: dict[str, set[str]] = {}
    for process in DEPLOYED:
        for network in compose["services"][process.name]["networks"]:
            roles.setdefault(network, set()).add(process.role)

    assert {network: sorted(found) for network, found in roles.items() if len(found) > 1} == {
        "outbound": ["page", "watch"]
    }


def test_who_reads_tips_reaches_the_database_and_the_broker_and_neither_reaches_the_world(
    compose: dict[str, Any],
) -> None:
    networks = {"triage-worker", "escalator-triage", "postgres", "broker"}
    reached = {network for name in networks for network in compose["services"][name]["networks"]}

    assert set(compose["services"]["triage-worker"]["networks"]) == {"db-triage", "broker-triage"}
    assert all(compose["networks"][network].get("internal") for network in reached)
    assert all("ports" not in compose["services"][name] for name in networks)


@pytest.mark.parametrize("process", DEPLOYED, ids=lambda process: process.name)
def test_a_service_can_change_nothing_but_its_own_memory(compose: dict[str, Any], process: Process) -> None:
    service = compose["services"][process.name]
    kept = {volume for volume in service["volumes"] if not volume.endswith(":ro")}

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["ulimits"]["core"] == 0
    own = {f"run-{process.run_volume}:/run/tipline"} if process.run_volume else set()
    own |= {"tombstones:/tombstones"} if process.tombstones else set()
    assert kept == own | ({"pins:/pins"} if process.pins else set())


@pytest.mark.parametrize("name", ["public", "triage-worker", "watch", "migrate", "postgres", "broker", "caddy"])
def test_a_service_has_limits_and_is_never_swapped_to_a_disk(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]

    assert service["mem_limit"] == service["memswap_limit"]
    assert service["pids_limit"] > 0
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"]["core"] == 0


@pytest.mark.parametrize("name", ["public", "console", "pager", "postgres", "broker"])
def test_what_others_wait_for_says_whether_it_is_well(compose: dict[str, Any], name: str) -> None:
    assert compose["services"][name]["healthcheck"]["test"][0] == "CMD"


def test_the_backup_job_can_write_its_files_and_nothing_else(compose: dict[str, Any]) -> None:
    service = compose["services"]["backup"]

    assert service["command"][1:3] == ["manage.py", "backup"]
    assert {volume for volume in service["volumes"] if not volume.endswith(":ro")} == {
        "backups:/backups",
        "backup-key:/backup-key",
    }
    assert service["read_only"] is True
    assert service["networks"] == ["db-owner"]
    assert service["profiles"] == ["jobs"]


def test_the_image_has_what_makes_a_backup() -> None:
    removed = re.search(r"pip uninstall ([^\n]*)", (ROOT / "Dockerfile").read_text())

    assert removed
    assert "pgserver" not in removed[1]


def test_docker_understands_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no docker compose on this machine")
    asked = set(re.findall(r"\$\{(TIPLINE_\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    asked |= {"TIPLINE_CONSOLE_HOST", "TIPLINE_PAGER_HOST", "TIPLINE_PUBLIC_HOST"}
    environment = {"PATH": os.defpath, **dict.fromkeys(asked, "tips.example")}

    done = subprocess.run(
        [docker, "compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_roles_are_separate_users_and_a_role_is_one(compose: dict[str, Any]) -> None:
    users = {(process.role, compose["services"][process.name]["user"]) for process in DEPLOYED}

    assert len({user for _, user in users}) == len({role for role, _ in users}) == len(users)


def test_short_lived_keys_never_reach_a_disk(compose: dict[str, Any]) -> None:
    volumes = {process.run_volume for process in DEPLOYED if process.run_volume}

    for name in volumes:
        assert compose["volumes"][f"run-{name}"]["driver_opts"]["type"] == "tmpfs"


def test_compose_hands_out_every_secret_and_migrate_knows_them_all(compose: dict[str, Any]) -> None:
    assert set(compose["secrets"]) == set(secrets.ALL) == set(compose["services"]["migrate"]["secrets"])


def test_the_database_of_compose_keeps_values_out_of_its_log_too(compose: dict[str, Any]) -> None:
    command = compose["services"]["postgres"]["command"]
    told = dict(option.split("=", 1) for option in command if "=" in option)

    assert {"log_min_messages", "log_min_error_statement", "log_error_verbosity", "archive_mode"} <= set(told)
    assert told.items() <= postgres.SETTINGS.items()


def test_the_proxy_passes_no_address_on_and_logs_none(compose: dict[str, Any]) -> None:
    caddyfile = compose["configs"]["caddyfile"]["content"]

    assert caddyfile.count("reverse_proxy") == caddyfile.count("header_up -X-Forwarded-For") == 4
    assert caddyfile.count("request_buffers") == 4
    assert "request delete" in caddyfile
    assert not re.search(r"^\s*output", caddyfile, re.MULTILINE)


def test_the_image_is_installed_by_hash_and_does_not_run_as_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER 10000:10000$", dockerfile, re.MULTILINE)


def test_what_is_freed_is_overwritten_at_every_door_and_wherever_a_tip_is_opened() -> None:
    overwriting = {process.name for process in PROCESSES if process.environment == HYGIENE}

    assert overwriting == {"public", "console", "pager", "triage-worker", "escalator-triage", "custodian"}
