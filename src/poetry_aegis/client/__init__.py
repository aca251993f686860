"""Clients of the index, configured the way their own tools would."""
