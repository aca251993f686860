"""What the registry remembers beside the files themselves: who did what, what was downloaded."""
