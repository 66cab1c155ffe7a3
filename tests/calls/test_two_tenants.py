"""Two tenants with the same numbers on one switch: their phones, their mailboxes and who is who."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from controlplane.callflows.prompts import Greeting, MessageCounts, Prompt
from controlplane.phone.phone import Phone, PhoneError
from tests.support.product import PIN, Handset, Product, need_phone, until
from tests.support.raw_sip import RawPhone, leave_as

DOMAIN = "north.example"
OTHER_PIN = "930258"
NAMES = {"101": "Nora", "102": "Nils"}
BOX = "8001"


@dataclass(frozen=True, slots=True, kw_only=True)
class North:
    """The second tenant: extensions 101 and 102 and mailbox 8001, as the first has."""

    product: Product
    client: httpx.Client
    passwords: dict[str, str]

    def messages(self) -> list[dict[str, Any]]:
        """Return what is in its mailbox, newest first."""
        return list(self.client.get(f"/mailboxes/{BOX}/messages").json()["items"])

    @asynccontextmanager
    async def phone(self, number: str) -> AsyncIterator[Handset]:
        """Start a phone that is registered as an extension of this tenant."""
        need_phone()
        server = self.product.server
        async with await Phone.start(address=server.address) as phone:
            await phone.register(server, number, self.passwords[number], domain=DOMAIN)
            yield Handset(self.product, phone, server, f"{number}@{DOMAIN}")


def provision(client: httpx.Client) -> tuple[dict[str, str], str]:
    """Make the tenant with all that it has; return the SIP passwords and the mailbox's id."""
    made = client.post("/tenants", json={"name": "north", "sip_domain": DOMAIN})
    assert made.status_code in {201, 409}, made.text
    client.headers["X-Tenant"] = "north"
    passwords = {}
    for number, name in NAMES.items():
        client.delete(f"/extensions/{number}")
        answer = client.post("/extensions", json={"number": number, "display_name": name})
        passwords[number] = answer.json()["sip_password"]
    client.delete(f"/mailboxes/{BOX}")
    box = client.post("/mailboxes", json={"number": BOX, "display_name": "North", "pin": OTHER_PIN})
    return passwords, box.json()["id"]


@pytest.fixture
async def north(product: Product) -> AsyncIterator[North]:
    """Make the tenant, and wait until the switch knows it and its greeting is spoken."""
    system = {"Authorization": f"Bearer {product.token}"}
    with httpx.Client(base_url=product.ready["api_url"], headers=system, timeout=20) as client:
        passwords, mailbox_id = provision(client)
        greeting = Path(product.ready["configuration_dir"]) / "greetings" / f"{mailbox_id}.wav"
        await until(greeting.exists, "the greeting", seconds=60)
        await until(lambda: client.get("/configuration").json()["state"] == "live", "the configuration")
        yield North(product=product, client=client, passwords=passwords)


async def test_phones_with_one_number_ring_apart(product: Product, north: North) -> None:
    """102 of north calls 101 and rings north's 101 with its own name; the other 101 stays silent."""
    async with (
        product.phone("101") as ours,
        north.phone("101") as theirs,
        north.phone("102") as caller,
    ):
        call = await caller.dial("101", answered=False)
        ringing, remote = await theirs.phone.incoming()
        await theirs.phone.answer(ringing)
        await call.call.answered()
        await call.hang_up()
        quiet = ours.phone._incoming

    assert ("Nils", "102") == (
        remote.partition("<")[0].strip(' "'),
        remote.partition("sip:")[2].partition("@")[0],
    )
    assert [] == quiet


async def test_mailboxes_with_one_number_are_apart(product: Product, north: North, message_wav: Path) -> None:
    """Who leaves a message at 8001 leaves it at his own tenant's, and it says who he is."""
    before = len(await product.messages(BOX))
    async with north.phone("101") as phone:
        call = await phone.dial(BOX)
        await call.expect_to_hear(Greeting(display_name="North"))
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
    await until(lambda: len(north.messages()) == 1, "the message")
    (message,) = north.messages()

    assert ("101", "Nora") == (message["caller_number"], message["caller_name"])
    assert before == len(await product.messages(BOX))


async def test_members_hear_the_mailbox_of_their_tenant(
    product: Product, north: North, message_wav: Path
) -> None:
    """*568001 asks for north's PIN and plays north's message; another PIN is wrong."""
    async with north.phone("102") as phone:
        call = await phone.dial(BOX)
        await call.expect_beep()
        await call.say(message_wav)
        await call.hang_up()
        await until(lambda: len(north.messages()) == 1, "the message")
        call = await phone.dial(f"*56{BOX}")
        await call.expect_to_hear(Prompt.ENTER_PIN)
        await call.press(f"{PIN}#")
        await call.expect_to_hear(Prompt.PIN_INCORRECT)
        await call.press(f"{OTHER_PIN}#")
        await call.expect_to_hear(MessageCounts(new=1, saved=0), Prompt.FIRST_MESSAGE)
        await call.expect_sound(message_wav, "the message")
        await call.hang_up()


async def test_password_of_a_number_is_its_tenants(product: Product, north: North) -> None:
    """The 101 of one tenant does not register with the password of the other one."""
    need_phone()
    server = product.server
    async with await Phone.start(address=server.address) as phone:
        for domain, password in ((DOMAIN, product.passwords["101"]), ("", north.passwords["101"])):
            name = f"101@{domain}" if domain else "101"
            with pytest.raises(PhoneError, match=f"registration of {name}: (401|403)"):
                await phone.register(server, "101", password, domain=domain)


async def test_lamps_of_a_tenant_are_its_own(north: North, product: Product) -> None:
    """Both have an extension 101 that shows a mailbox 8001: a message of one lights the phones of one."""
    rules = {"mwi_mailboxes": [BOX]}
    north.client.put("/extensions/101/rules", json=rules)
    async with product.api() as api:
        await api.put("/extensions/101/rules", json=rules)
    async with RawPhone(product.sip).opened() as theirs, RawPhone(product.sip).opened() as ours:
        await theirs.register("101", north.passwords["101"], domain=DOMAIN)
        await ours.register("101", product.passwords["101"])
        await until(lambda: bool(theirs.lamps and ours.lamps), "the first word of both")
        before = ours.lamps[-1]
        await leave_as(product.sip, BOX, "Caller", domain=DOMAIN)
        await until(lambda: theirs.lamps[-1] == "yes 1/0", "the lamp of the tenant")
    async with product.api() as api:
        await api.put("/extensions/101/rules", json={})

    assert before == ours.lamps[-1]
