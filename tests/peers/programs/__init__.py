"""One program for each client; each runs in that client's environment."""
