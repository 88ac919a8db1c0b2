"""A fuzzer that knows the structure of JSON: mutated samples before every reader of both houses, in both decoders.

A read may raise only our own errors. It gives the same value with msgspec and without, and it ends soon.
"""
