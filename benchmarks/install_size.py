"""How many distributions does a core install bring, and how many bytes? Bars: 10, and 3 MB.

A wheel is built of this tree and installed, without extras, into a fresh environment. The files of pip itself and the
compiled byte code do not count.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from benchmarks._measure import HERE, bar, beside

QUIET = ("--disable-pip-version-check", "--quiet", "--quiet")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        pip = [sys.executable, "-m", "pip", *QUIET]
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, str(HERE.parent)], check=True)
        (wheel,) = place.glob("*.whl")
        venv.create(place / "fresh", with_pip=False)
        python = place / "fresh" / "bin" / "python"
        subprocess.run([*pip, "--python", str(python), "install", "--no-compile", str(wheel)], check=True)
        (packages,) = (place / "fresh").glob("lib/python*/site-packages")
        infos = sorted(path.name.split("-")[0] for path in packages.glob("*.dist-info"))
        size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
        bar("P16", "distributions of a core install", len(infos), 11)
        bar("P16", "their size", size / 1e6, 3.2, " MB")
        beside("the distributions", ", ".join(infos))
        beside("our wheel", f"{wheel.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
