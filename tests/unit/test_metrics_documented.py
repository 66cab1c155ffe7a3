"""Each figure of `/metrics` stands in docs/operations.md, with what it means and what to do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

_KINDS = {"Counter": "_total", "Gauge": "", "Histogram": "", "Summary": ""}
_ROW = re.compile(
    r"^\| `(controlplane_[a-z_]+)(?:\{([a-z,]+)\})?` \| [^|]+ \| [^|]+ \| [^|]{10,} \|$", re.MULTILINE
)


def _exported(root: Path) -> dict[str, tuple[str, ...]]:
    """Return the figures that the code makes, with their labels."""
    found = {}
    for path in (root / "controlplane").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS:
                name, *others = node.args
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    labels = next((other for other in others if isinstance(other, ast.List)), None)
                    found[name.value + _KINDS[node.func.id]] = tuple(
                        str(each.value)
                        for each in (labels.elts if labels else [])
                        if isinstance(each, ast.Constant)
                    )
    return found


def test_every_figure_is_documented(root: Path) -> None:
    """And none that is not exported, with the labels that it has."""
    page = (root / "docs" / "operations.md").read_text()
    told = {name: tuple(filter(None, labels.split(","))) for name, labels in _ROW.findall(page)}

    exported = _exported(root)

    assert len(exported) > 5
    assert exported == told
