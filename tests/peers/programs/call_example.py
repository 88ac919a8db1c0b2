"""A client of two lines, for the test of this harness: one method works, one is refused, one is never called."""

from urllib.request import urlopen

from tests.peers.programs.calling import Calls


class Client:
    def __init__(self, url: str) -> None:
        self._url = url

    def countries(self) -> bytes:
        body: bytes = urlopen(f"{self._url}/guest/countries").read()
        return body

    def profile(self) -> None:
        urlopen(f"{self._url}/user/profile")

    async def finish(self, order: int) -> bool:
        return order < 0

    def forgotten(self) -> None:
        """Never called."""


def main() -> None:
    calls = Calls()
    client = Client(calls.v1_url)
    calls("client.countries", client.countries)
    calls("client.profile", client.profile)
    calls("client.finish", client.finish, -1)
    calls("client.finish", client.finish, 1)
    calls.finish(client=client)


if __name__ == "__main__":
    main()
