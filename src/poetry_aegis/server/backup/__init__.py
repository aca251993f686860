"""Backups of a server's home: taken while it runs, verified, restored in one step."""
