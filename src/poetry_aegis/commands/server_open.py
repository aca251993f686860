"""``poetry aegis server open``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerOpenCommand(ServerCommand):
    """Tells the addresses of the server."""

    name = "aegis server open"
    description = "Tells the addresses of the index."
    options: ClassVar[list[Option]] = [
        option("browser", description="Open the index in a browser, too."),
        HOME,
        JSON,
    ]
    help = """\
Prometheus and Grafana answer on the server's own machine alone. From
another one, go through ssh, with the PORT that is printed here:

  <c1>ssh -L PORT:127.0.0.1:PORT SERVER</c1>

<b>Examples:</b>
  <c1>poetry aegis server open</c1>
  <c1>poetry aegis server open --json</c1>"""

    def perform(self) -> int:
        """Print the addresses."""
        addresses = self._addresses()
        if self.wants_json:
            self.print_json(addresses)
        else:
            names = {key: key.replace("_", " ") for key in addresses}
            self.say_table([(names[key], value) for key, value in addresses.items() if value])
        if self.option("browser"):
            import webbrowser

            webbrowser.open(addresses["index"] or "")
        return 0

    def _addresses(self) -> dict[str, str | None]:
        settings = self.settings
        monitoring = settings.monitoring
        has_prometheus = settings.is_stack and monitoring.prometheus
        has_grafana = settings.is_stack and monitoring.grafana
        prometheus = f"http://127.0.0.1:{monitoring.prometheus_port}/"
        grafana = f"http://127.0.0.1:{monitoring.grafana_port}/"
        password = f"GRAFANA_PASSWORD in {self.home.env_file}"
        if not self.home.env_file.exists():
            password += ", which is missing; make it with: poetry aegis server doctor --fix"
        return {
            "index": settings.url,
            "prometheus": prometheus if has_prometheus else None,
            "grafana": grafana if has_grafana else None,
            "grafana_user": "admin" if has_grafana else None,
            "grafana_password": password if has_grafana else None,
        }
