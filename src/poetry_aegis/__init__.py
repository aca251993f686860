"""poetry-aegis: release, publish and host private Python packages with Poetry."""
