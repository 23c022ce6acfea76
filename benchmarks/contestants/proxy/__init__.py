"""The strangler as one would first write it: a FastAPI application that forwards with httpx. Not Envoy."""
