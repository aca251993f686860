"""Which version is next."""
