"""At-most-once mutations: declared on a field by `idempotent.Idempotent`, run by `runner.Idempotency`.

The way of a key: `keys` reads what the client sent, `claim` derives the ids of the attempt, `idempotent` wraps the
field's resolver, `runner` runs it or waits for its result, `records` stores the state of the key by the
rule in `records.lua`, `replay` and `cipher` what is stored of the result.
"""
