"""The package as a user installs it: a version, a door, types, and nothing that was not asked for."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import smsapi_async
import smsapi_async.rent
import smsapi_async.sandbox
import smsapi_async.testing
import smsapi_async.v1

ROOT = Path(__file__).parents[1]
DOORS = [smsapi_async, smsapi_async.v1, smsapi_async.rent, smsapi_async.sandbox, smsapi_async.testing]
EXTRAS = {
    "cyclopts", "h2", "httpx2", "msgspec", "opentelemetry", "pytest", "smsapi_async._cli", "smsapi_async.otel",
    "smsapi_async.sandbox", "smsapi_async.testing", "trio", "uvicorn",
}  # fmt: skip
"""Without rich: httpx loads it by itself, for a command of its own, where click is installed, too."""


def test_the_changelog_tells_of_this_version():
    """A release without a changelog entry is found here, not by the user."""
    top = re.search(r"^## \[?v?(\d[\w.]*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert top is not None
    assert top[1] == smsapi_async.__version__


def test_the_package_says_where_to_read_on_and_where_to_report():
    """An index shows these links, under the labels that it knows."""
    links = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]

    assert links.keys() >= {"Documentation", "Source", "Issues", "Changelog", "Security"}
    assert all(address.startswith("https://") for address in links.values())


def test_the_version_has_one_source():
    """pip and the package show the same version."""
    assert metadata.version("smsapi_async") == smsapi_async.__version__


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_the_door_lists_what_it_offers(door):
    """`__all__` is the promise that versions are about: sorted, without repeats, and every name is there."""
    assert list(door.__all__) == sorted(set(door.__all__), key=lambda name: (not name.isupper(), name))
    assert [name for name in door.__all__ if not hasattr(door, name)] == []


def test_the_types_are_shipped():
    """Without the marker every checker treats the package as untyped."""
    assert (Path(smsapi_async.__file__).parent / "py.typed").is_file()


def test_importing_loads_no_extra_and_no_sandbox():
    """A plain install must work, and a start must not pay for what it does not use."""
    program = "import sys, smsapi_async, smsapi_async.v1, smsapi_async.rent; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert EXTRAS.intersection(loaded) == set()
