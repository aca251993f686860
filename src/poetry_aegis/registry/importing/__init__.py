"""Takes over the distributions of another index."""
