"""The entry point: which command lives where. Poetry imports this module at every start.

Only names and addresses are here; a command's module is imported when the command is looked at.
An import error in this file would break every Poetry command, so it imports next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry.plugins.application_plugin import ApplicationPlugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleo.events.event import Event
    from cleo.events.event_dispatcher import EventDispatcher
    from poetry.console.application import Application
    from poetry.console.commands.command import Command

COMMANDS = {
    "aegis": "groups:AegisCommands",
    "aegis release": "release:ReleaseCommand",
    "aegis bump": "bump:BumpCommand",
    "aegis changelog": "changelog:ChangelogCommand",
    "aegis lint": "lint:LintCommand",
    "aegis publish": "publish:PublishCommand",
    "aegis promote": "promote:PromoteCommand",
    "aegis verify": "verify:VerifyCommand",
    "aegis yank": "yank:YankCommand",
    "aegis delete": "delete:DeleteCommand",
    "aegis project": "project:ProjectCommand",
    "aegis sign": "sign:SignCommand",
    "aegis key": "groups:KeyCommands",
    "aegis key generate": "key_generate:KeyGenerateCommand",
    "aegis key add": "key_add:KeyAddCommand",
    "aegis key list": "key_list:KeyListCommand",
    "aegis key export": "key_export:KeyExportCommand",
    "aegis key trust": "key_trust:KeyTrustCommand",
    "aegis key revoke": "key_revoke:KeyRevokeCommand",
    "aegis key passphrase": "key_passphrase:KeyPassphraseCommand",
    "aegis key remove": "key_remove:KeyRemoveCommand",
    "aegis server": "groups:ServerCommands",
    "aegis server init": "server_init:ServerInitCommand",
    "aegis server start": "server_start:ServerStartCommand",
    "aegis server stop": "server_stop:ServerStopCommand",
    "aegis server restart": "server_restart:ServerRestartCommand",
    "aegis server status": "server_status:ServerStatusCommand",
    "aegis server logs": "server_logs:ServerLogsCommand",
    "aegis server stats": "server_stats:ServerStatsCommand",
    "aegis server audit": "server_audit:ServerAuditCommand",
    "aegis server open": "server_open:ServerOpenCommand",
    "aegis server apply": "server_apply:ServerApplyCommand",
    "aegis server upgrade": "server_upgrade:ServerUpgradeCommand",
    "aegis server run": "server_run:ServerRunCommand",
    "aegis server debug": "server_debug:ServerDebugCommand",
    "aegis server destroy": "server_destroy:ServerDestroyCommand",
    "aegis server ca": "server_ca:ServerCaCommand",
    "aegis server user": "groups:ServerUserCommands",
    "aegis server user add": "server_user_add:ServerUserAddCommand",
    "aegis server user list": "server_user_list:ServerUserListCommand",
    "aegis server user passwd": "server_user_passwd:ServerUserPasswdCommand",
    "aegis server user remove": "server_user_remove:ServerUserRemoveCommand",
    "aegis server token": "groups:ServerTokenCommands",
    "aegis server token create": "server_token_create:ServerTokenCreateCommand",
    "aegis server token list": "server_token_list:ServerTokenListCommand",
    "aegis server token revoke": "server_token_revoke:ServerTokenRevokeCommand",
    "aegis server reindex": "server_reindex:ServerReindexCommand",
    "aegis server import": "server_import:ServerImportCommand",
    "aegis server prune": "server_prune:ServerPruneCommand",
    "aegis server doctor": "server_doctor:ServerDoctorCommand",
    "aegis server backup": "server_backup:ServerBackupCommand",
    "aegis server backup verify": "server_backup_verify:ServerBackupVerifyCommand",
    "aegis server restore": "server_restore:ServerRestoreCommand",
    "aegis ci": "groups:CiCommands",
    "aegis ci init": "ci_init:CiInitCommand",
    "aegis ci snapshot": "ci_snapshot:CiSnapshotCommand",
    "aegis ci tagged": "ci_tagged:CiTaggedCommand",
    "aegis client": "groups:ClientCommands",
    "aegis client setup": "client_setup:ClientSetupCommand",
    "aegis client source": "client_source:ClientSourceCommand",
    "aegis client show": "client_show:ClientShowCommand",
    "aegis client poetry": "client_poetry:ClientPoetryCommand",
    "aegis completions": "completions:CompletionsCommand",
}


class AegisPlugin(ApplicationPlugin):
    """Registers a factory per command name; the factory imports the command's module."""

    def activate(self, application: Application) -> None:
        """Register the commands, touching neither the project nor the network."""
        for name, address in COMMANDS.items():
            application.command_loader.register_factory(name, _factory(address))
        if application.event_dispatcher is not None:
            from cleo.events.console_events import COMMAND

            # Before Poetry's own listeners, which make an environment to install into.
            application.event_dispatcher.add_listener(COMMAND, _guard, priority=1)


def _guard(event: Event, _: str, dispatcher: EventDispatcher) -> None:
    """Let no command install what the project wants signed and is not."""
    # Poetry itself imports all three for each command, and reads the project for these.
    from cleo.events.console_command_event import ConsoleCommandEvent
    from poetry.console.commands.installer_command import InstallerCommand
    from poetry.console.commands.self.self_command import SelfCommand

    if not isinstance(event, ConsoleCommandEvent):
        return
    command = event.command
    if not isinstance(command, InstallerCommand) or isinstance(command, SelfCommand):
        return
    tool = command.poetry.pyproject.data.get("tool", {})
    if "poetry-aegis" in tool and _may_ask_for_a_guard(tool["poetry-aegis"]):
        from poetry_aegis.poetry_api.guarding import guard

        guard(event, command, dispatcher)


def _may_ask_for_a_guard(settings: object) -> bool:
    """Tell whether *settings*, a project's, say whom it trusts, or what may be meant to."""
    if not isinstance(settings, dict) or "trust" in settings:
        return True
    from dataclasses import fields

    from poetry_aegis.settings import Settings

    return not settings.keys() <= {field.name for field in fields(Settings)}


def _factory(address: str) -> Callable[[], Command]:
    def load() -> Command:
        from importlib import import_module

        module, _, class_name = address.partition(":")
        command: Command = getattr(import_module(f"poetry_aegis.commands.{module}"), class_name)()
        return command

    return load
