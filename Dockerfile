# The control plane: web, calls, events, jobs and the commands of `controlplane`.

FROM python:3.12-slim-bookworm AS build

WORKDIR /opt/shared-voicemail
COPY requirements.lock pyproject.toml ./
COPY .ci/production_lock.py .ci/link.py .ci/
# greenswitch comes as source alone; it is plain Python.
RUN python -m venv /opt/venv \
    && python .ci/production_lock.py speech > /tmp/requirements.txt \
    && /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes \
        --only-binary :all: --no-binary greenswitch -r /tmp/requirements.txt \
    && /opt/venv/bin/python .ci/link.py \
    && /opt/venv/bin/python -m pip uninstall --yes pip

FROM python:3.12-slim-bookworm

# The group is that of the switch too. The spool is written by both; the rest is written by us alone.
# A new volume takes owner and mode from these folders.
RUN python -m pip uninstall --yes pip \
    && groupadd --gid 10001 voicemail \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin controlplane \
    && install --directory --owner 10001 --group 10001 --mode 2770 /var/lib/shared-voicemail/spool \
    && install --directory --owner 10001 --group 10001 --mode 2750 \
        /var/lib/shared-voicemail/recordings \
        /var/lib/shared-voicemail/prompts \
        /var/lib/shared-voicemail/configuration

COPY --from=build /opt/venv /opt/venv
COPY controlplane /opt/shared-voicemail/controlplane
COPY dialplan_templates /opt/shared-voicemail/dialplan_templates
COPY migrations /opt/shared-voicemail/migrations
COPY voices /opt/shared-voicemail/voices

ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/shared-voicemail
USER 10001:10001
ENTRYPOINT ["controlplane"]
CMD ["--help"]
