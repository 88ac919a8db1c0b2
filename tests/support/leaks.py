"""All texts of an error that a traceback, a crash reporter or a pickle can show."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from _pytest._io.saferepr import saferepr_unlimited as saferepr


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, its causes and contexts, and the members of groups."""
    left, seen = [error], set()
    while left:
        found = left.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        left += [each for each in (found.__cause__, found.__context__) if each is not None]
        left += getattr(found, "exceptions", ())


def shown_by(error: BaseException) -> str:
    """The texts, the attributes and the traceback of every error of the chain, and the locals of our frames."""
    texts = ["".join(traceback.format_exception(error))]
    for found in chain(error):
        texts += [str(found), repr(found), repr(vars(found)), repr(found.args)]
        for name in ("request", "doc", "object"):
            try:
                texts.append(repr(getattr(found, name, None)))
            except RuntimeError:  # how httpx says that there is no request
                continue
        texts += locals_of(found)
    return "\n".join(texts)


def locals_of(error: BaseException) -> Iterator[str]:
    """The locals of the frames of ours and of the HTTP libraries, as a crash reporter writes them."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(("smsapi_async", "httpx", "httpcore")) and not module.startswith("smsapi_async.sandbox"):
            for name, value in frame.f_locals.items():
                yield f"{module}.{frame.f_code.co_name} {name}={saferepr(value)}"
