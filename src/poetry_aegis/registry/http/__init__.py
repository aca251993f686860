"""The registry over HTTP: plain ASGI, no framework between a request and its file."""
