"""At-most-once mutations: declared on a field by `idempotent.Idempotent`, kept by `once.Idempotency`.

From the outside in: `keys` reads what the client sent, `idempotent` wraps the field's resolver, `once` runs it at most
once, `records` keeps the state of a key (`state` is the rule, `records.lua` its twin), `replay` and `sealed` the
answer.
"""
