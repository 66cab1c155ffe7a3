"""How long the Voicemail page takes with few messages and with many, and a change to be on open pages."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg
from controlplane.supervisor.instance import Instance
from tests.bench.changes import SPREAD, time_changes
from tests.bench.figures import Figures, table
from tests.support.processes import open_folder

FEW, MANY, MAILBOXES = 100, 100_000, 2_000
PARTS = ("pages", "list", "changes")
_TIMES = 40
_LIMIT_SECONDS = 60
_FILL: LiteralString = """
    INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at,
                          duration_ms, state, reached_by)
    SELECT gen_random_uuid(), tenant_id, id, 'bench', (1000 + n %% 500)::text, 'Caller ' || n %% 500,
           now() - n * interval '1 minute', 4000, CASE WHEN n %% 10 = 0 THEN 'new' ELSE 'saved' END,
           '{"path": [{"kind": "call-queue", "number": "6500", "reason": "queue_timeout"}]}'
    FROM mailboxes, generate_series(1, %s) AS n WHERE number = %s AND deleted_at IS NULL
"""
_MAILBOXES: LiteralString = """
    WITH made AS (
        INSERT INTO mailboxes
        SELECT (jsonb_populate_record(model, jsonb_build_object(
            'id', gen_random_uuid(), 'number', (%s + serial)::text, 'display_name', 'Team ' || serial))).*
        FROM mailboxes AS model, generate_series(1, %s) AS serial WHERE model.number = '8101'
        RETURNING id, tenant_id, number
    )
    INSERT INTO numbers (tenant_id, number, kind, object_id) SELECT tenant_id, number, 'mailbox', id FROM made
"""
_SPREAD: LiteralString = """
    WITH boxes AS (
        SELECT id, tenant_id, row_number() OVER () - 1 AS place, count(*) OVER () AS many FROM mailboxes
    )
    INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at,
                          duration_ms, state, reached_by)
    SELECT gen_random_uuid(), boxes.tenant_id, boxes.id, 'bench', '102', '',
           now() - n * interval '1 minute', 4000, CASE WHEN n %% 10 = 0 THEN 'new' ELSE 'saved' END,
           '{"path": []}'
    FROM generate_series(1, %s) AS n JOIN boxes ON boxes.place = n %% boxes.many
"""


async def signed_in(instance: Instance) -> httpx.AsyncClient:
    """Return a browser in which the first admin is signed in."""
    link = instance.ready["portal_link"]
    client = httpx.AsyncClient(timeout=_LIMIT_SECONDS, limits=httpx.Limits(max_connections=None))
    page = await client.get(link)
    fields = dict(re.findall(r'name="([^"]+)"[^>]*? value="([^"]*)"', page.text))
    filled = {**fields, "user_name": "bench", "display_name": "Bench"}
    filled |= {"password": "seven red chairs", "password_again": "seven red chairs"}
    answer = await client.post(link, data=filled, headers={"Origin": origin_of(link)})
    assert answer.status_code in {200, 303}, answer.text
    assert client.cookies, "nobody is signed in"
    return client


def origin_of(address: str) -> str:
    """Return scheme and host of an address."""
    url = httpx.URL(address)
    return f"{url.scheme}://{url.netloc.decode()}"


async def taken(work: Callable[[], Awaitable[httpx.Response]]) -> float:
    """Return how many seconds a page takes."""
    began = time.perf_counter()
    answer = await work()
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.headers
    return took


async def time_pages(client: httpx.AsyncClient, base: str) -> None:
    """Open the page of either mailbox by turns, in each of its lists."""
    asked = {"all": "", "unread": "?show=unread", "by way": "?way=6500", "caller": "?q=caller+77"}
    asked["nobody"] = "?q=nobody"
    for name, query in asked.items():
        few, many = Figures(f"{FEW} messages"), Figures(f"{MANY} messages")
        for turn in range(_TIMES + 1):
            for number, figures in (("8101", few), ("8102", many)):
                address = f"{base}/mailboxes/{number}/voicemail{query}"
                took = await taken(partial(client.get, address))
                if turn:
                    figures.seconds.append(took)
        print(table(f"\nThe Voicemail page: {name}", many, few), flush=True)


async def time_list(client: httpx.AsyncClient, base: str, database: str) -> None:
    """Open the list of many mailboxes, which hold as many messages as one did, in each of its orders."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(_MAILBOXES, (200_000, MAILBOXES))
        await connection.execute(_SPREAD, (MANY,))
        await connection.execute("ANALYZE")
    by_number = Figures("number")
    orders = {order: Figures(order) for order in ("name", "new", "last")}
    for turn in range(_TIMES + 1):
        for order, figures in (("number", by_number), *orders.items()):
            took = await taken(partial(client.get, f"{base}/mailboxes?sort={order}"))
            if turn:
                figures.seconds.append(took)
    for order, figures in orders.items():
        print(
            table(f"\n{MAILBOXES} mailboxes with {MANY} messages, sorted: {order}", figures, by_number),
            flush=True,
        )


async def make(client: httpx.AsyncClient, instance: Instance, number: str, messages: int) -> None:
    """Make a mailbox that holds many messages."""
    token = (await asyncio.to_thread(Path(instance.ready["token_file"]).read_text)).strip()
    made = await client.post(
        f"{instance.ready['api_url']}/mailboxes",
        json={"number": number, "display_name": number, "pin": "290174"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert made.status_code == 201, made.text
    database = instance.ready["database_url"]
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(_FILL, (messages, number))
        await connection.execute("ANALYZE messages, message_ways")


async def measure(instance: Instance, parts: Collection[str]) -> None:
    """Print the parts that are wanted."""
    base = instance.ready["portal_url"] + "portal"
    database = instance.ready["database_url"]
    client = await signed_in(instance)
    for number, many in (("8101", FEW), ("8102", MANY)):
        await make(client, instance, number, many)
    if "pages" in parts:
        await time_pages(client, base)
    if "list" in parts:
        await time_list(client, base, database)
    if "changes" in parts:
        # By SQL: over REST a greeting would be spoken for each, and compete with what is timed.
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute(_MAILBOXES, (300_000, SPREAD - 1))
            more = [str(300_000 + serial) for serial in range(1, SPREAD)]
            for number in more:
                await connection.execute(_FILL, (FEW, number))
        await time_changes(instance, database, ["8102", *more])
    await client.aclose()


def main() -> None:
    """Run a private instance without a switch and time its portal."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.portal", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="some of %(default)s")
    parts = parser.parse_args().parts.split(",")
    if unknown := set(parts).difference(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: name some of {', '.join(PARTS)}")
    with open_folder() as folder:
        instance = Instance(folder / "state")
        instance.start("--switch", "none")
        try:
            asyncio.run(measure(instance, parts))
        finally:
            instance.stop()


if __name__ == "__main__":
    main()
