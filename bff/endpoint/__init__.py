"""GraphQL over HTTP as a raw ASGI application: POST, GET, SSE, WebSocket, negotiation and the GraphiQL page."""
