"""``python -m poetry_aegis.registry``."""

from poetry_aegis.registry.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
