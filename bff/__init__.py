"""The backend-for-frontend: two GraphQL schemas over REST services.

Capabilities that know GraphQL and HTTP but no business: `endpoint` `auth` `fetch` `execution` `operations` `workflows`
(and, as they come, `ratelimit` `idempotency`). The example business: `commerce`. The clients: `web` `mobile`.
The only places that join them: `app` and `worker`. No imports here: a parent of a workflow must stay empty.
"""
