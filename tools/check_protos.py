"""Fails when the committed stubs are not what the .proto files generate."""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROTOS = Path("protos")
GENERATED = PROTOS / "gen"


def generate(target: Path) -> None:
    """Run protoc with the same plug-ins as `make protos`."""
    sources = sorted(
        str(path.relative_to(PROTOS)) for path in PROTOS.glob("clientsphere/**/*.proto")
    )
    outputs = [
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out=quiet:{target}",
        f"--mypy_grpc_out=quiet:{target}",
    ]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.defpath))
    subprocess.run(  # noqa: S603 - fixed arguments and the project's own files
        [sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, *sources],
        cwd=PROTOS,
        check=True,
        env={"PATH": path},
    )


def stale_files(fresh: Path, committed: Path) -> list[str]:
    """Stubs that differ, are missing or should not be there."""
    names = {
        str(path.relative_to(root))
        for root in (fresh, committed)
        for path in root.rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    }
    _, different, missing = filecmp.cmpfiles(fresh, committed, sorted(names), shallow=False)
    return sorted(different + missing)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = stale_files(Path(folder), GENERATED)
    if stale:
        sys.stdout.write("Stale, run `make protos`:\n" + "".join(f"  {name}\n" for name in stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
