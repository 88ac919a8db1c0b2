"""The lines that the served sandbox prints, read as each shell reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from smsapi_async.sandbox import Sandbox
from smsapi_async.sandbox.__main__ import to_paste

BASE = "http://127.0.0.1:8055"
Variables = dict[str, str]


def block(shell: str) -> list[str]:
    """The lines below the name of a shell."""
    _, _, below = to_paste(Sandbox(), BASE).partition(f"\n{shell}:\n")
    return below.partition("\n\n")[0].splitlines()


def variables() -> Variables:
    sandbox = Sandbox()
    return {
        "SMSAPI_V1_URL": f"{BASE}/v1",
        "SMSAPI_TOKEN": sandbox.token,
        "SMSAPI_RENT_URL": f"{BASE}/api",
        "SMSAPI_RENT_KEY": sandbox.rent_key,
    }


def matched(lines: list[str], form: str) -> Variables:
    """The name and the value of each line; a line of another form fails the test."""
    found = [re.fullmatch(form, line) for line in lines]
    assert all(found), lines
    return {match["name"]: match["value"] for match in found if match}


def in_powershell(lines: list[str]) -> Variables:
    """Source: about_Quoting_Rules, a text in single quotes is taken as it is; it may not hold one."""
    return matched(lines, r"\$env:(?P<name>\w+) = '(?P<value>[^']+)'")


def in_cmd(lines: list[str]) -> Variables:
    """Source: `set /?`, quotes around the whole keep blanks and `&` out of trouble; `%` and `!` would be expanded."""
    return matched(lines, r'set "(?P<name>\w+)=(?P<value>[^"%!]+)"')


def in_zsh(lines: list[str]) -> Variables:
    """An interactive zsh has no comments, and expands what an unquoted `=`, `~`, `*` or `?` begins."""
    return matched(lines, r"export (?P<name>\w+)=(?P<value>[\w:/.-]+)")


@pytest.mark.parametrize(
    ("shell", "read"), [("PowerShell", in_powershell), ("cmd", in_cmd), ("bash, zsh", in_zsh)], ids=["ps", "cmd", "zsh"]
)
def test_the_lines_can_be_pasted_into_a_shell(shell: str, read: Callable[[list[str]], Variables]) -> None:
    """A reader on Windows has no `export`, and would set each variable by hand."""
    assert read(block(shell)) == variables()


@pytest.mark.socket
@pytest.mark.parametrize("program", [name for name in ("sh", "bash", "zsh") if shutil.which(name)])
def test_a_shell_runs_its_lines(program: str) -> None:
    """The shells of this machine are asked themselves."""
    lines = [*block("bash, zsh"), "env"]

    ran = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True, check=True)

    assert ran.stderr == ""
    assert variables().items() <= dict(line.split("=", 1) for line in ran.stdout.splitlines() if "=" in line).items()
