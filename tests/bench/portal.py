"""How long the Voicemail page takes with few messages and with many, and a change to be on open pages."""

# ruff: noqa: T201 (it tells its figures)

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import LiteralString

import httpx
import psycopg
from controlplane.supervisor.instance import Instance
from tests.bench.figures import Figures, table
from tests.support.processes import open_folder

FEW, MANY, PAGES, MAILBOXES = 100, 100_000, 200, 2_000
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
            'id', gen_random_uuid(), 'number', (200000 + serial)::text, 'display_name', 'Team ' || serial))).*
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
_LEAVE: LiteralString = """
    INSERT INTO messages (id, tenant_id, mailbox_id, call_id, caller_number, caller_name, received_at,
                          duration_ms, reached_by)
    SELECT gen_random_uuid(), tenant_id, id, 'bench', '0815', %s, now(), 4000, '{"path": []}'
    FROM mailboxes WHERE number = %s AND deleted_at IS NULL
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
        await connection.execute(_MAILBOXES, (MAILBOXES,))
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


async def time_change(client: httpx.AsyncClient, base: str, database: str) -> None:
    """Leave a message in a mailbox that many look at: until its row is on each page, as their script does."""
    listening = asyncio.Semaphore(0)
    seen = Figures("until the row is there")
    left = 0.0
    name = "Bench Caller"

    async def page() -> None:
        nonlocal left
        async with client.stream(
            "GET", f"{base}/mailboxes/8102/events", headers={"Accept": "text/event-stream"}
        ) as stream:
            async for line in stream.aiter_lines():
                if line == "event: listening":
                    listening.release()
                if line == "event: changed" and left:
                    await asyncio.sleep(0.05)
                    found = await client.get(f"{base}/mailboxes/8102/voicemail", headers={"X-Live": "yes"})
                    if name in found.text:
                        seen.seconds.append(time.perf_counter() - left)
                        return

    async with asyncio.TaskGroup() as group:
        for _ in range(PAGES):
            group.create_task(page())
        for _ in range(PAGES):
            await listening.acquire()
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            left = time.perf_counter()
            await connection.execute(_LEAVE, (name, "8102"))
    print(table(f"\nA message that is left, on each of {PAGES} open pages", seen))


async def measure(instance: Instance) -> None:
    """Print both."""
    base = instance.ready["portal_url"] + "portal"
    database = instance.ready["database_url"]
    client = await signed_in(instance)
    token = open(instance.ready["token_file"], encoding="utf-8").read().strip()  # noqa: SIM115, ASYNC230, PTH123
    for number, many in (("8101", FEW), ("8102", MANY)):
        made = await client.post(
            f"{instance.ready['api_url']}/mailboxes",
            json={"number": number, "display_name": number, "pin": "290174"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert made.status_code == 201, made.text
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            await connection.execute(_FILL, (many, number))
            await connection.execute("ANALYZE messages, message_ways")
    await time_pages(client, base)
    await time_change(client, base, database)
    await time_list(client, base, database)
    await client.aclose()


def main() -> None:
    """Run a private instance without a switch and time its portal."""
    argparse.ArgumentParser(prog="python -m tests.bench.portal", description=__doc__).parse_args()
    with open_folder() as folder:
        instance = Instance(folder / "state")
        instance.start("--switch", "none")
        try:
            asyncio.run(measure(instance))
        finally:
            instance.stop()


if __name__ == "__main__":
    main()
