"""What there is to do for a file, as steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast

from controlplane.apply.codes import FeatureCodes
from controlplane.apply.declaration import KEYS, Declaration, FeatureCodeEntry
from controlplane.apply.extensions import Extensions
from controlplane.apply.mailboxes import Mailboxes
from controlplane.apply.resource import Applying, Found, Resource
from controlplane.apply.routing import RoutingResource
from controlplane.apply.sections import SECTIONS
from controlplane.apply.settling import Step, Work

Everything = Mapping[str, Mapping[str, Found]]
"""What is there, by section and key."""


def steps_for(into: Applying, declared: Declaration, present: Everything, *, prune: bool) -> Iterator[Step]:
    """Yield the steps in an order in which most of them can be done at once.

    With `prune` those objects of the declared sections are removed that the file does not name.
    """
    for resource in SECTIONS:
        key = KEYS[resource.section]
        for index, entry in enumerate(declared.section(resource.section) or ()):
            name = str(getattr(entry, key))
            found = present[resource.section].get(name)
            step = _making(into, resource, entry, name, found)
            step.path = (resource.section, index)
            if isinstance(resource, FeatureCodes):
                step.unstick = partial(_together, into, resource, declared.feature_codes or (), step.run)
            yield step
    for index, entry in enumerate(declared.extensions or ()):
        extensions, path = Extensions(), ("extensions", index, "rules")
        found = present[extensions.section].get(entry.number)
        settled = partial(extensions.settle, into, entry, found)
        yield Step(path=path, run=settled, unstick=partial(_owning, into, entry, found))
    if prune:
        for resource in reversed(SECTIONS):
            yield from _removals(into, resource, declared, present)


def named(resource: Resource, declared: Declaration) -> list[str]:
    """Return the keys of the objects that a section names."""
    key = KEYS[resource.section]
    return [str(getattr(entry, key)) for entry in declared.section(resource.section) or ()]


def _making(into: Applying, resource: Resource, entry: Any, key: str, found: Found | None) -> Step:
    path = (resource.section,)
    needs = resource.needs(entry) if isinstance(resource, RoutingResource | Mailboxes) else ()
    if found is not None:
        return Step(path=path, key=key, needs=needs, run=partial(resource.change, into, entry, found))
    unstick = None
    if isinstance(resource, RoutingResource) and resource.kind.number_kind is not None:
        unstick = partial(_bare_first, into, resource, entry, key)
    elif isinstance(resource, Mailboxes) and needs:
        unstick = partial(_pointing_later, into, resource, entry)
    run = partial(resource.create, into, entry)
    return Step(path=path, key=key, needs=needs, run=run, unstick=unstick)


async def _bare_first(into: Applying, resource: RoutingResource, entry: Any, key: str) -> Work:
    await resource.create_bare(into, entry)
    found = (await resource.present(into))[key]
    return partial(resource.change, into, entry, found)


async def _pointing_later(into: Applying, resource: Mailboxes, entry: Any) -> Work:
    await resource.create_bare(into, entry)
    return partial(resource.point, into, entry)


async def _together(
    into: Applying, resource: FeatureCodes, entries: Sequence[FeatureCodeEntry], run: Work
) -> Work:
    await resource.change_together(into, entries)
    return run


async def _owning(into: Applying, entry: Any, found: Found | None) -> Work:
    extensions = Extensions()
    owning = await extensions.own(into, entry, found)
    return partial(extensions.settle, into, entry, owning or found)


def _removals(
    into: Applying, resource: Resource, declared: Declaration, present: Everything
) -> Iterator[Step]:
    if declared.section(resource.section) is None or not resource.can_be_removed:
        return
    keep = set(named(resource, declared))
    for key, found in present[resource.section].items():
        if key in keep:
            continue
        removed = partial(resource.remove, into, key, found)
        points = isinstance(resource, Extensions | Mailboxes) or (
            isinstance(resource, RoutingResource) and resource.kind.number_kind is not None
        )
        unstick = (
            partial(_emptied, into, cast("Extensions | Mailboxes | RoutingResource", resource), key, removed)
            if points
            else None
        )
        yield Step(path=(resource.section,), run=removed, unstick=unstick, removes=f"{resource.words} {key}")


async def _emptied(
    into: Applying, resource: Extensions | Mailboxes | RoutingResource, key: str, removed: Work
) -> Work:
    await resource.bare(into, key)
    if isinstance(resource, Mailboxes):
        # It is another version now.
        return partial(resource.remove, into, key, (await resource.present(into))[key])
    return removed
