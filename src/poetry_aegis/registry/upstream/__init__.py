"""The index behind this one: its projects are shown where this one has none of the name."""
