"""A fuzzer that knows the structure of JSON: mutated samples before every reader of both houses, in both decoders.

A read may raise our own errors and nothing else, with msgspec and without it comes to the same, and it is over soon.
"""
