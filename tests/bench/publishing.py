"""How long a change takes to be live, and a number to be looked up, with few objects and with many."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from controlplane.jobs.configuration import ALL_ROUTES
from controlplane.storage.queue import make_app
from tests.bench.calls import server_of
from tests.bench.figures import Figures, table
from tests.bench.usage import NAMES, Moment, usage_of
from tests.support.product import Product
from tests.support.raw_sip import RawPhone

MAILBOXES = 100_000
EXTENSIONS = 20_000
FEW = 10
JOBS = NAMES["jobs"]
SIZES = ((FEW, FEW), (FEW, 1_000), (MAILBOXES, EXTENSIONS))
_CHANGES = 10
# Where a change takes long, fewer will do.
_ENOUGH_SECONDS, _FEWEST_CHANGES = 60, 3
_CALLS = 50
_LOOK_SECONDS = 0.001
# Of one wait; what it waits for is told before.
_LIMIT_SECONDS = 1_800
# Beyond the numbers that the bench's own objects have.
_FIRST_MAILBOX = 2_000_000
_FIRST_EXTENSION = 4_000_000
_NEW_MAILBOX = 6_000_000
_NEW_EXTENSION = 7_000_000

# A job that ended is updated, or deleted.
_TRIGGER: LiteralString = """
    CREATE FUNCTION bench_ended() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('ended', OLD.id::text); RETURN NULL; END $$;
    CREATE TRIGGER bench_ended AFTER UPDATE OF status ON procrastinate_jobs
        FOR EACH ROW WHEN (OLD.status = 'doing' AND NEW.status <> 'doing') EXECUTE FUNCTION bench_ended();
    CREATE TRIGGER bench_deleted AFTER DELETE ON procrastinate_jobs
        FOR EACH ROW WHEN (OLD.status = 'doing') EXECUTE FUNCTION bench_ended();
    CREATE FUNCTION bench_live() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF TG_OP = 'INSERT' OR OLD.state <> 'live' THEN PERFORM pg_notify('live', NEW.state); END IF;
            RETURN NULL;
        END $$;
    CREATE TRIGGER bench_live AFTER INSERT OR UPDATE ON configuration_revisions
        FOR EACH ROW WHEN (NEW.state = 'live') EXECUTE FUNCTION bench_live();
"""
# Rows like one that the product made: tens of thousands of PINs would take an hour to hash.
_MANY: LiteralString = """
    WITH made AS (
        INSERT INTO {objects}
        SELECT (jsonb_populate_record(model, jsonb_build_object(
            'id', gen_random_uuid(), 'number', serial::text, 'display_name', {name} || serial))).*
        FROM {objects} AS model, generate_series(%s, %s) AS serial WHERE model.number = %s
        RETURNING id, tenant_id, number
    )
    INSERT INTO numbers (tenant_id, number, kind, object_id) SELECT tenant_id, number, {kind}, id FROM made
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many objects there are, and what was timed with them."""

    mailboxes: int
    extensions: int
    mailbox: Figures
    extension: Figures
    look_up: Figures

    @property
    def name(self) -> str:
        """How it is told."""
        return f"{self.mailboxes:,} mailboxes, {self.extensions:,} extensions"


async def time_publishing(product: Product, switch: str, wanted: Sequence[tuple[int, int]] = SIZES) -> None:
    """Time changes and look-ups with few objects, and then with many, on a fresh instance.

    `wanted` are so many mailboxes and extensions, each more than the ones before.
    """
    before = Moment.now()
    async with _listening(product) as base:
        await base.execute(_TRIGGER)
        await base.execute("LISTEN live")
        await base.execute("LISTEN ended")
        model = await product.mailbox(display_name="Model")
        async with product.api() as api:
            made = await api.post(
                "/extensions", json={"number": str(_NEW_EXTENSION - 1), "display_name": "X"}
            )
        assert 201 == made.status_code, made.text
        await _live(base)
        sizes = []
        for mailboxes, extensions in wanted:
            await _grow(product, base, model, mailboxes, extensions)
            sizes.append(await _measure(product, base, mailboxes, extensions))
    *before_last, last = sizes
    for title, pick in (
        ("a new mailbox can be dialled", "mailbox"),
        ("a new extension is live: verified with the switch", "extension"),
        ("INVITE to answer of a mailbox: look-up and answer", "look_up"),
    ):
        own = [getattr(size, pick) for size in (last, *before_last)]
        print(f"\n{table(f'{title} ({switch})', own[0], *own[1:])}")
    print(f"  ({Moment.now().since(before)})", flush=True)


async def _grow(
    product: Product, base: psycopg.AsyncConnection, model: str, mailboxes: int, extensions: int
) -> None:
    """Bring the database to so many objects, let all be published, and tell what that took."""
    for kind, objects, like, first, wanted in (
        ("mailbox", "mailboxes", model, _FIRST_MAILBOX, mailboxes),
        ("extension", "extensions", str(_NEW_EXTENSION - 1), _FIRST_EXTENSION, extensions),
    ):
        found = await base.execute("SELECT count(*) FROM numbers WHERE kind = %s", [kind])
        row = await found.fetchone()
        assert row is not None
        missing = wanted - int(str(row[0]))
        if missing > 0:
            sql = _MANY.format(objects=objects, name=f"'{kind} '", kind=f"'{kind}'")
            start = first + int(str(row[0]))
            await base.execute(sql.encode(), [start, start + missing - 1, like])
    await base.execute("ANALYZE")
    print(f"\n  {mailboxes:,} mailboxes, {extensions:,} extensions: all route files …", flush=True)
    began = _now()
    # What runs every ten minutes by itself.
    async with make_app(product.ready["database_url"]).open_async() as app:
        job = await app.configure_task(ALL_ROUTES).defer_async(timestamp=0)
    await _told(base, "ended", str(job))
    routes = Path(product.ready["configuration_dir"]) / "routes"
    written = sum(1 for _ in routes.glob("*/*/*"))
    assert written >= mailboxes + extensions, f"{written} route files"
    print(f"  all route files in {_now() - began:.1f} s; all published …", flush=True)
    used, began = usage_of(product), _now()
    async with product.api() as api:
        await api.post("/configuration/publish")
    await _live(base)
    now = usage_of(product)
    cpu = now.cpu[JOBS] - used.cpu[JOBS]
    grown = (now.memory[JOBS] - used.memory[JOBS]) / 1024
    print(
        f"  all published in {_now() - began:.1f} s, {cpu:.1f} s of `jobs`, which grew by {grown:.0f} MiB",
        flush=True,
    )


async def _measure(product: Product, base: psycopg.AsyncConnection, mailboxes: int, extensions: int) -> Size:
    size = Size(
        mailboxes=mailboxes,
        extensions=extensions,
        mailbox=Figures(f"{mailboxes:,} mailboxes"),
        extension=Figures(f"{extensions:,} extensions"),
        look_up=Figures(f"{mailboxes:,} mailboxes"),
    )
    routes = Path(product.ready["configuration_dir"]) / "routes"
    serial = mailboxes + extensions
    box = ""
    async with product.api() as api:
        (tenant,) = (path.name for path in routes.iterdir() if path.is_dir())
        for change in range(_CHANGES):
            box = str(_NEW_MAILBOX + serial * 7 + change)
            began = _now()
            made = await api.post("/mailboxes", json={"number": box, "display_name": "New", "pin": "730915"})
            assert 201 == made.status_code, made.text
            file = routes / tenant / box[-2:] / box
            async with asyncio.timeout(_LIMIT_SECONDS):
                while not file.exists():  # noqa: ASYNC110 (made by another process)
                    await asyncio.sleep(_LOOK_SECONDS)
            size.mailbox.seconds.append(_now() - began)
        started = _now()
        for change in range(_CHANGES):
            if change >= _FEWEST_CHANGES and _now() - started > _ENOUGH_SECONDS:
                break
            number = str(_NEW_EXTENSION + serial * 7 + change)
            began = _now()
            made = await api.post("/extensions", json={"number": number, "display_name": "New"})
            assert 201 == made.status_code, made.text
            await _live(base)
            size.extension.seconds.append(_now() - began)
    for _ in range(_CALLS):
        async with RawPhone(server_of(product)).opened() as phone:
            began = _now()
            call = phone.call(box)
            await call.wait_answered()
            size.look_up.seconds.append(call.answered_at - began)
            call.hang_up()
            await call.wait_ended()
    changes = len(size.extension.seconds)
    print(
        f"  medians of {_CHANGES} and {changes} changes: mailbox {_median(size.mailbox)}, "
        f"extension {_median(size.extension)}",
        flush=True,
    )
    return size


def _median(figures: Figures) -> str:
    return f"{statistics.median(figures.seconds):.2f} s"


async def _live(base: psycopg.AsyncConnection) -> None:
    await _told(base, "live")


async def _told(base: psycopg.AsyncConnection, channel: str, payload: str | None = None) -> None:
    async for told in base.notifies(timeout=_LIMIT_SECONDS):
        if told.channel == channel and payload in {None, told.payload}:
            return
    raise TimeoutError(f"nothing was told of {channel}")


@asynccontextmanager
async def _listening(product: Product) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(product.ready["database_url"], autocommit=True) as base:
        yield base


def _now() -> float:
    return asyncio.get_running_loop().time()
