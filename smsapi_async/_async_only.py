"""The refusal of a plain `with` by what is entered with `async with`, in words that say what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING


class AsyncOnly:
    """A class whose objects are entered with `async with`."""

    if not TYPE_CHECKING:  # pragma: no branch - a type checker reports a plain `with` by itself

        def __enter__(self):
            raise TypeError(f"{type(self).__name__} is asynchronous: write `async with`, not `with`")

        def __exit__(self, *_):
            """Be there, because Python asks for it before it enters."""
