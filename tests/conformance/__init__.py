"""A real provider's answers beside our beliefs: `make conformance URL=...`, with the user's own key.

Every operation that only reads is asked through the package's own client; nothing is bought unless the user says so.
The report names fields and kinds and never a value: it is made to be sent to us."""
