# ruff: noqa: INP001 (a script, no package)
"""Make this checkout importable in the environment that runs this script, with its version and its command.

What `pip install --editable` would do, without a build, and so without a network: the project is
used in place, as its templates and migrations are.
"""

from __future__ import annotations

import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = """\
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m controlplane.entrypoints.cli "$@"
"""


def main() -> None:
    """Write the path file, the metadata and the launcher."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "shared-voicemail.pth").write_text(f"{ROOT}\n")
    launcher = Path(sys.executable).parent / "controlplane"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    metadata = packages / f"shared_voicemail-{version}.dist-info"
    if metadata.exists():
        return
    for old in packages.glob("shared_voicemail-*.dist-info"):
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: shared-voicemail\nVersion: {version}\n")
    (metadata / "INSTALLER").write_text("make setup\n")
    (metadata / "RECORD").write_text(
        "".join(f"{metadata.name}/{name},,\n" for name in ("METADATA", "INSTALLER", "RECORD"))
        + "shared-voicemail.pth,,\n"
    )


if __name__ == "__main__":
    main()
