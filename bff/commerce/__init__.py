"""The example business both clients share: one folder a noun. Docstring only: workflows live below."""
