"""A worker that survives `kill -9`: the next start goes on with its orders, and buys none twice.

    python examples/worker.py jobs.db telegram telegram google     # three jobs, noted in jobs.db
    kill -9 ...                                                    # at any moment
    python examples/worker.py jobs.db                              # goes on with the open jobs

A job is a row of a small SQLite file, written before and after each step that matters:

    queued -> buying -> waiting, with the order's id -> done, with the code, or failed

After a kill while `waiting`, the order is resumed by its id; a code that came meanwhile is there at once. After a kill
while `buying`, the purchase may have been made or not. An open order of that product whose id is in no row is then this
job's; without one nothing was bought. That holds while no other program buys with the same key.

A code opens a user's account, so only the owner may read the file, and a code is erased from it once it was printed.

Against the local provider start `python -m smsapi_async.sandbox` and paste the lines for your shell; `telegram` gets a
code after five seconds. Against the real provider set only `SMSAPI_TOKEN`.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

import anyio

from smsapi_async import AsyncClient, NoCodeError, SmsApiError

TABLE = """CREATE TABLE IF NOT EXISTS jobs
    (id INTEGER PRIMARY KEY, product TEXT NOT NULL, state TEXT NOT NULL, order_id INTEGER UNIQUE, code TEXT)"""


class Job(NamedTuple):
    """One row."""

    id: int
    product: str
    state: str
    order_id: int | None
    code: str | None


class Journal:
    """The jobs, each change on disk before the next step. Its writes are short, so they are not worth a thread."""

    def __init__(self, file: Path) -> None:
        os.close(os.open(file, os.O_CREAT, 0o600))
        file.chmod(0o600)  # also one that was there
        self._rows = sqlite3.connect(file, isolation_level=None)  # every statement is committed at once
        self._rows.execute("PRAGMA secure_delete = ON")  # erased codes are overwritten
        self._rows.execute(TABLE)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._rows.close()

    def add(self, product: str) -> None:
        """Add a job."""
        self._rows.execute("INSERT INTO jobs (product, state) VALUES (?, 'queued')", [product])

    def jobs(self, *states: str) -> list[Job]:
        """Return the jobs in one of these states, or all; oldest first."""
        jobs = [Job(*row) for row in self._rows.execute("SELECT id, product, state, order_id, code FROM jobs")]
        return [job for job in jobs if job.state in states or not states]

    def note(self, job: Job, state: str, order_id: int | None = None, code: str | None = None) -> None:
        """Record the state of a job."""
        values = [state, order_id, code, job.id]
        self._rows.execute("UPDATE jobs SET state = ?, order_id = ?, code = ? WHERE id = ?", values)

    def erase_codes(self) -> None:
        """Forget the codes: they were handed over."""
        self._rows.execute("UPDATE jobs SET code = NULL")


async def work(client: AsyncClient, journal: Journal) -> None:
    """Do all that is not done, side by side."""
    await recover(client, journal)
    async with anyio.create_task_group() as group:
        for job in journal.jobs("queued", "waiting"):
            group.start_soon(do, client, journal, job)


async def recover(client: AsyncClient, journal: Journal) -> None:
    """Find the orders of the purchases during which the last run was killed."""
    buying = journal.jobs("buying")
    known = {job.order_id for job in journal.jobs()}
    if buying:
        async for order in client.iter_open_orders():
            job = next((job for job in buying if job.product == order.product), None)
            if job and order.id not in known:
                buying.remove(job)
                journal.note(job, "waiting", order.id)
    for job in buying:
        journal.note(job, "queued")


async def do(client: AsyncClient, journal: Journal, job: Job) -> None:
    """Do one job, from its present state to its end. Other errors than these two leave it to the next run."""
    try:
        await get_code(client, journal, job)
    except NoCodeError as error:
        print(f"job {job.id} failed: {error}")
        journal.note(job, "failed", error.order.id if error.order else None)
    except SmsApiError as error:
        print(f"job {job.id} is left to the next run: {error}")


async def get_code(client: AsyncClient, journal: Journal, job: Job) -> None:
    """Buy, or go on with a bought order. Each note is true even if the program is killed right after it."""
    if job.order_id is None:
        journal.note(job, "buying")
        scope = client.activation(job.product)
    else:
        scope = client.resume(job.order_id)
    code = ""
    try:
        async with scope as order:
            journal.note(job, "waiting", order.id)
            code = await order.code()
            journal.note(job, "done", order.id, code)
    except anyio.get_cancelled_exc_class():
        if not code:
            journal.note(job, "queued")  # an orderly stop: leaving the scope gave the number back
        raise


def parser() -> argparse.ArgumentParser:
    """The words of the command."""
    words = argparse.ArgumentParser(description="Get codes, whatever happens.")
    words.add_argument("journal", type=Path, metavar="FILE", help="is made when it is not there")
    words.add_argument("products", nargs="*", metavar="PRODUCT", help="a job more for each")
    return words


async def main() -> None:
    """Add what was asked for, then do what is left."""
    words = parser().parse_args()
    with Journal(words.journal) as journal:
        for product in words.products:
            journal.add(product)
        async with AsyncClient() as client:
            await work(client, journal)
        for job in journal.jobs():
            print(f"job {job.id}: {job.product} {job.state} {job.code or ''}".rstrip(), flush=True)
        journal.erase_codes()


if __name__ == "__main__":
    try:
        anyio.run(main)
    except KeyboardInterrupt:
        print("stopped: what is not done is done by the next run")
