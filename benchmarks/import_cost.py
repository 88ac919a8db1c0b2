"""What does `import smsapi_async` cost beside importing its four dependencies? Bar: at most 1.35 times.

Both are timed in fresh interpreters that alternate in one run, each less the time of an interpreter that imports
nothing. Byte code is compiled first, as an installation does.
"""

from __future__ import annotations

import compileall
import subprocess
import sys
import time
from pathlib import Path

from benchmarks._measure import bar, beside, middle

BAR = 1.35
ROUNDS = 15
STATEMENTS = {
    "nothing": "pass",
    "dependencies": "import anyio, attrs, cattrs, httpx",
    "smsapi_async": "import smsapi_async",
}


def seconds(statement: str) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begun


def main() -> None:
    package = Path(__file__).parents[1] / "smsapi_async"
    compileall.compile_dir(package, quiet=1)
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))

    typical = {name: middle(each) for name, each in times.items()}
    dependencies = typical["dependencies"] - typical["nothing"]
    ours = typical["smsapi_async"] - typical["nothing"]
    bar("P14", "importing smsapi_async / its four dependencies", ours / dependencies, BAR)
    beside("importing", f"dependencies {dependencies * 1e3:.0f} ms, smsapi_async {ours * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
