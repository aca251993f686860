"""The speed of the registry, beside its peers and beside nginx itself."""
