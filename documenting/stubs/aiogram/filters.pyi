class Command:
    def __init__(self, *values: str) -> None: ...

class CommandObject:
    args: str | None
