"""Clients that others wrote, each in an environment of its own, called method by method against a served sandbox.

`make peers` compares what came of it with the page docs/about/faithful.md. It needs a package index, so it is no part
of `make test`; its own small test is."""
