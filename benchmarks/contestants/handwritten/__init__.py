"""The floor: what the workloads cost when exactly these responses are written by hand. No GraphQL, no framework.

Raw ASGI on the HTTP client that ours uses (pyreqwest), msgspec to read, orjson to write. An operation is recognised by
its text or hash and run by one function. Tokens are verified as ours are: once, then cached for at most 60 s.
What is missing on purpose: errors, nulls where a service fails, deadlines, metrics, logs. Amounts have two decimals.
"""
