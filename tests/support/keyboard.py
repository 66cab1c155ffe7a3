"""Goes through a page by keys alone, and looks at each stop whether one sees where one is."""

from __future__ import annotations

from playwright.async_api import Page

_HERE = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return {name: "", faults: ["the focus is nowhere"]};
  const text = (each) => {
    const read = each.cloneNode(true);
    read.querySelectorAll("[aria-hidden=true]").forEach((unread) => unread.remove());
    return read.textContent.replace(/\\s+/g, " ").trim();
  };
  const named = at.getAttribute("aria-label") || [...(at.labels || [])].map(text).join(" ")
    || text(at) || at.title || at.id;
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const faults = [];
  const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  if (!seen) faults.push("out of sight");
  else {
    const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
    const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1);
    const over = document.elementFromPoint(x, y);
    if (!over || !(at.contains(over) || over.contains(at))) faults.push("something lies over it");
  }
  // The browser's own player shows it at the button inside that has it.
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  if (at.tagName !== "AUDIO" && !ring) faults.push("no ring");
  return {name: named, faults: faults.map((each) => `${named || at.outerHTML.slice(0, 80)}: ${each}`)};
}"""
_MOST_STOPS = 90


async def skip_to_main(page: Page) -> None:
    """Go past the menu, as somebody without a mouse does on each page."""
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")


async def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Press Tab until the focus is on what is called so, which must be seen at each stop on the way.

    `name` is the beginning of what a screen reader says.
    """
    passed = []
    for _ in range(_MOST_STOPS):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        here = await page.evaluate(_HERE)
        assert not here["faults"], (here["faults"], passed)
        passed.append(here["name"])
        if here["name"].startswith(name):
            return
    raise AssertionError(f"Tab does not lead to {name!r}, but to {passed}")


async def where(page: Page) -> str:
    """Return what has the focus, which must be seen."""
    here = await page.evaluate(_HERE)
    assert not here["faults"], here["faults"]
    return str(here["name"])
