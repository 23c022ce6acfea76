"""The usual stack, as one would first write it: Strawberry, its FastAPI router, httpx, aiodataloader, PyJWT.

Honest and idiomatic: one shared `httpx.AsyncClient`, a data loader for everything that is looked up by id, types of its
own filled from the JSON of the services, the mobile operation's hash resolved by a schema extension. Nothing is tuned
and nothing is made slow: each request verifies its token, each document is parsed and validated, each row becomes an
object, each resolver is a coroutine.
"""
