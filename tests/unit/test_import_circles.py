"""No module of ours needs itself, not even by an import inside a function."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path


def test_modules_import_each_other_in_one_direction(root: Path) -> None:
    """What imports another is never imported by it, by whatever detour."""
    files = {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for path in (root / "controlplane").rglob("*.py")
    }
    imports = {name: imported(path) & files.keys() - {name} for name, path in files.items()}

    assert len(files) == len(list(TopologicalSorter(imports).static_order()))


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, and every name that may be one."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names
