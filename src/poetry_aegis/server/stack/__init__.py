"""The Compose stack: its settings, the files that are written from them, and what runs them."""
