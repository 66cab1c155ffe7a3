"""What publishing does for each kind of object on each switch: files, reload, proof.

The table of docs/publishing.md is printed from here, and tests hold it to what is rendered and sent.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

from controlplane.domain.configuration import ObjectKind

ROUTE_FILE: Final = "routes/<tenant>/<last two digits>/<number>"
HOURS_FILE: Final = "hours/<schedule>/<day>"
PIECE: Final = "<tenant>/phones<some of its extensions>"
"""A file of at most 500 extensions, whose name says which (`rendering.pieces`)."""

RULES: Final = "<tenant>"
GREETING_FILE: Final = "greetings/<receptionist>.wav"
"""What a job speaks, or somebody recorded. Both switches play the same file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a change of one kind of object touches at most; `reload` None: it is read with each call."""

    kind: ObjectKind
    switch: str
    files: tuple[str, ...]
    reload: str | None
    verified: str


_ASTERISK_RELOAD: Final = (
    "AMI `Reload` of `res_musiconhold.so`, `app_queue.so`, `pbx_config.so`, then of `res_pjsip.so`"
)
_ASTERISK_ASKS: Final = (
    "AMI `Getvar` of `CP_REVISION` is the digest; `PJSIPShowEndpoint` has all new endpoints, one of each "
    "other file and no removed one (`PJSIPShowEndpoints` where many are new); `QueueSummary` has all of ours "
    "and no removed one"
)
_FREESWITCH_RELOAD: Final = (
    "`reloadxml`, which must say `[Success]`; where queues changed, `callcenter_config queue unload` of "
    "each, `queue reload cp-queues`, `agent del` of those that are gone"
)
_FREESWITCH_ASKS: Final = (
    "`global_getvar cp_revision` is the digest; `list_users` has all new users, one of each other file and "
    "no removed one; `callcenter_config queue list` has all of ours and no removed one"
)
_GATEWAYS_RELOAD: Final = (
    f"{_FREESWITCH_RELOAD}; then `sofia profile … killgw` for each gateway that changed or went, and "
    "`sofia profile … rescan`"
)
_GATEWAYS_ASKS: Final = f"{_FREESWITCH_ASKS}; so has `sofia profile … gwlist` of the gateways"
_ROUTES_MENDED: Final = "compared with the database, again every ten minutes"

_ASTERISK_REVISION: Final = ("asterisk/cp-globals.conf", "asterisk/extensions.conf")
_FREESWITCH_REVISION: Final = ("freeswitch/cp-dialplan.xml",)


def _asterisk(kind: ObjectKind, *files: str) -> Published:
    return Published(
        kind=kind,
        switch="asterisk",
        files=tuple(sorted({*_ASTERISK_REVISION, *files})),
        reload=_ASTERISK_RELOAD,
        verified=_ASTERISK_ASKS,
    )


def _freeswitch(kind: ObjectKind, *files: str) -> Published:
    return Published(
        kind=kind,
        switch="freeswitch",
        files=tuple(sorted({*_FREESWITCH_REVISION, *files})),
        reload=_FREESWITCH_RELOAD,
        verified=_FREESWITCH_ASKS,
    )


def _route(kind: ObjectKind, switch: str) -> Published:
    return Published(kind=kind, switch=switch, files=(ROUTE_FILE,), reload=None, verified=_ROUTES_MENDED)


def _hours(switch: str) -> Published:
    return Published(
        kind=ObjectKind.OFFICE_HOURS,
        switch=switch,
        files=(HOURS_FILE,),
        reload=None,
        verified="compared with the database, again every hour",
    )


PUBLISHED: Final = (
    *(
        _route(kind, switch)
        for kind in (ObjectKind.MAILBOX, ObjectKind.RING_GROUP)
        for switch in ("asterisk", "freeswitch")
    ),
    *(
        dataclasses.replace(
            _route(ObjectKind.VIRTUAL_RECEPTIONIST, switch),
            files=(GREETING_FILE, ROUTE_FILE),
            verified=f"{_ROUTES_MENDED}; so is whether the greeting is there",
        )
        for switch in ("asterisk", "freeswitch")
    ),
    _hours("asterisk"),
    _hours("freeswitch"),
    _asterisk(ObjectKind.EXTENSION, f"asterisk/pjsip/{PIECE}.conf", "asterisk/pjsip.conf", ROUTE_FILE),
    _freeswitch(
        ObjectKind.EXTENSION,
        f"freeswitch/directory/{PIECE}.xml",
        "freeswitch/cp-directory.xml",
        ROUTE_FILE,
    ),
    _asterisk(
        ObjectKind.TENANT, "asterisk/cp-contexts.conf", f"asterisk/pjsip/{PIECE}.conf", "asterisk/pjsip.conf"
    ),
    _freeswitch(
        ObjectKind.TENANT,
        f"freeswitch/directory/{PIECE}.xml",
        "freeswitch/cp-directory.xml",
        "freeswitch/cp_directory.lua",
        "freeswitch/cp_entrance.lua",
    ),
    _asterisk(ObjectKind.CALL_QUEUE, "asterisk/cp-contexts.conf", "asterisk/queues.conf", ROUTE_FILE),
    _freeswitch(ObjectKind.CALL_QUEUE, "freeswitch/cp-callcenter.xml", ROUTE_FILE),
    _asterisk(ObjectKind.FEATURE_CODE, "asterisk/cp-contexts.conf"),
    _freeswitch(ObjectKind.FEATURE_CODE),
    _asterisk(ObjectKind.TRUNK, "asterisk/cp-contexts.conf", "asterisk/pjsip.conf"),
    dataclasses.replace(
        _freeswitch(ObjectKind.TRUNK, "freeswitch/cp-configuration.xml", "freeswitch/cp_entrance.lua"),
        reload=_GATEWAYS_RELOAD,
        verified=_GATEWAYS_ASKS,
    ),
    _asterisk(ObjectKind.INBOUND_RULE, "asterisk/cp-contexts.conf"),
    _freeswitch(ObjectKind.INBOUND_RULE, f"freeswitch/rules/{RULES}.lua"),
)
