"""What scripts/up and scripts/test share: a fitting Python, and a virtual environment for it.

Standard library only, and readable to an old Python, which must at least be able to say what it
lacks: nothing newer than Python 3.6 stands in this file.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Best first. The embedded Redis has wheels for the first two.
WITH_REDIS = ((3, 12), (3, 11))
WITHOUT_REDIS = ((3, 13), (3, 14))

NO_PYTHON = """Tipline needs Python 3.11 or 3.12 with its venv module
(Debian, Ubuntu: apt install python3-venv). This is Python {}.{} at {}.
Another one can be named: TIPLINE_PYTHON=/path/to/python3.12 scripts/up"""
NO_REDIS = """The embedded Redis has no wheel for Python 3.13 and later.
Install Python 3.12 or 3.11, or redis-server or valkey-server."""


def say(text):
    print(f"  {text}", flush=True)


def fail(text):
    print(text, file=sys.stderr, flush=True)
    sys.exit(1)


def run(names, module, arguments):
    """Become `python -m module` in an environment with these requirement files installed."""
    try:
        python = ensure_venv(names)
    except KeyboardInterrupt:
        fail("\nStopped. The next start goes on from here.")
    for name in ("TIPLINE_STATE_DIR", "TIPLINE_SECRETS_DIR", "TIPLINE_RUN_DIR"):
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.environ[name])
    # Not PYTHONPATH, which every child would inherit: -m looks in the working directory first.
    os.chdir(ROOT)
    os.execv(python, [python, "-m", module, *arguments])


def ensure_venv(names):
    """Make the virtual environment, install the requirement files that changed; returns its Python.

    TIPLINE_VENV names another environment than .venv. If it is there and was not made by us, it
    is used as it is: whoever made it keeps it.
    """
    directory = os.path.join(ROOT, ".venv")
    if os.environ.get("TIPLINE_VENV"):
        directory = os.path.abspath(os.environ["TIPLINE_VENV"])
    python = os.path.join(directory, "bin", "python")
    ours = os.path.join(directory, "made-by-tipline")
    if os.environ.get("TIPLINE_VENV") and os.path.exists(python) and not os.path.exists(ours):
        return python
    changed = [name for name in names if _read(_stamp(directory, name)) != _digest(name)]
    if not changed and os.path.exists(python):
        return python
    if not _says(python, "import pip"):
        chosen = find_python()
        say(f"Making a virtual environment with {chosen} …")
        subprocess.run([chosen, "-m", "venv", "--clear", directory], check=True)
        open(ours, "w").close()
    _install(python, names)
    for name in names:
        with open(_stamp(directory, name), "w") as file:
            file.write(_digest(name))
    return python


def find_python():
    """The best Python on this machine: TIPLINE_PYTHON, this one, or one on the PATH."""
    if os.environ.get("TIPLINE_PYTHON"):
        return os.environ["TIPLINE_PYTHON"]
    found = {}
    for candidate in [sys.executable, *_on_path()]:
        found.setdefault(_version_of(candidate), candidate)
    redis = shutil.which("valkey-server") or shutil.which("redis-server")
    for version in WITH_REDIS + (WITHOUT_REDIS if redis else ()):
        if version in found:
            return found[version]
    if any(version in found for version in WITHOUT_REDIS):
        fail(NO_REDIS)
    return fail(NO_PYTHON.format(sys.version_info[0], sys.version_info[1], sys.executable))


def _on_path():
    names = ["python{}.{}".format(*version) for version in WITH_REDIS + WITHOUT_REDIS]
    return [path for path in map(shutil.which, names) if path]


def _version_of(python):
    """(3, 12) for a Python that runs and can make environments, else None."""
    said = _says(python, "import sys, venv, ensurepip; print(*sys.version_info[:2])")
    return tuple(int(part) for part in said.split()) if said else None


def _says(python, code):
    """What a Python prints, at least a line end; None if it does not run."""
    try:
        return subprocess.run(
            [python, "-c", code + "; print()"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _install(python, names):
    say("Installing {}; the first time takes a minute or so …".format(" and ".join(names)))
    command = [python, "-m", "pip", "install", "--require-hashes", "--prefer-binary", "--no-input"]
    # The files name everything, the requirements' requirements too. Where one asks for an extra ("coverage[toml]"),
    # pip would look for it anew, take a release newer than the pinned one, and stop because it has no hash for it.
    command += ["--no-deps", "--disable-pip-version-check", "--progress-bar", "off"]
    for name in names:
        command += ["-r", os.path.join(ROOT, name)]
    started = shown = time.time()
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT) as pip:
        for raw in pip.stdout:
            line = raw.decode("utf-8", "replace").strip()
            lines.append(line)
            if line.startswith(("Collecting", "Downloading", "Building", "Installing")):
                now = time.time()
                if now - shown > 2 or line.startswith("Installing"):
                    shown = now
                    say(f"  {now - started:3.0f} s  {line[:90]}")
    if pip.returncode != 0:
        fail("\n".join([*lines[-25:], "", "The requirements could not be installed; see above why."]))
    say(f"Installed in {time.time() - started:.0f} s.")


def _stamp(directory, name):
    return os.path.join(directory, f"installed-{name}")


def _digest(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None
