"""A user's project with the plugin and pytest's own defaults, and a run of its tests by a pytest inside this one."""

from __future__ import annotations

import pytest

CONFTEST = """
import pytest

from smsapi_async.testing import open_client  # before the plugin itself is loaded

pytest_plugins = ["smsapi_async.testing"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if "taken_over" in item.name:  # as pytest-asyncio does it
        item.obj = lambda **arguments: None
    return (yield)
"""


def run_project(pytester: pytest.Pytester, conftest: str = CONFTEST, **files: str) -> pytest.RunResult:
    """Write the files, each named without its ending, and run those that are tests."""
    pytester.makeconftest(conftest)
    pytester.makepyfile(**files)
    plugins = ("-p", "anyio", "-p", "no:cacheprovider")
    return pytester.runpytest_inprocess("-rfEs", *plugins, "--strict-markers", "-W", "error")
