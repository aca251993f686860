"""An installation of the index: its home on disk and the driver that runs it."""
