"""One way to break each thing that a check looks at, and what the check then has to name."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from poetry_aegis.errors import SettingsError
from poetry_aegis.registry.options import SignatureSettings
from poetry_aegis.registry.people.users import Users
from poetry_aegis.server.certificates import ensure_certificates
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.stack.settings import RedisSettings, WebSettings
from tests.support.registry import CHEAP_ROUNDS
from tests.support.server import busy_port
from tests.unit.server.doctor.patients import NAME, PROJECT, TOKEN, Disk, Patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LONG_AGO = 1_600_000_000.0


@dataclass(frozen=True)
class Break:
    """What *check* finds after *spoil*: a state, and words of the evidence and the remedy."""

    check: str
    driver: str
    spoil: Callable[[Patient], None]
    state: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.check}: {self.spoil.__name__.strip('_')}"


BREAKS: list[Break] = []


def breaks(
    check: str, state: str, evidence: str, remedy: str, *, driver: str = "embedded"
) -> Callable[[Callable[[Patient], None]], Callable[[Patient], None]]:
    def note(spoil: Callable[[Patient], None]) -> Callable[[Patient], None]:
        BREAKS.append(Break(check, driver, spoil, state, evidence, remedy))
        return spoil

    return note


# Settings


@breaks("settings", "problem", "Unknown key 'prot'", "Did you mean")
def a_misspelt_key(patient: Patient) -> None:
    with patient.home.settings_file.open("a") as file:
        file.write("\n[web]\nprot = 1\n")
    try:
        load_settings(patient.home)
    except SettingsError as error:
        patient.alter(settings=None, failure=error)


@breaks("settings-advice", "warning", "without TLS", "server.toml")
def passwords_without_tls(patient: Patient) -> None:
    patient.set(host="192.0.2.1")


@breaks("settings-applied", "warning", "other settings", "server apply")
def settings_that_were_not_applied(patient: Patient) -> None:
    patient.home.registry_settings.write_text("anonymous_read = true\n")


@breaks("settings-applied", "warning", "nginx.conf", "server apply", driver="compose")
def a_generated_file_edited_by_hand(patient: Patient) -> None:
    (conf,) = patient.home.stack.rglob("nginx.conf")
    conf.write_text(conf.read_text() + "# mine\n")


# Running


@breaks("server", "warning", "stopped", "server start")
def a_server_that_is_stopped(patient: Patient) -> None:
    patient.stop()


@breaks("server", "problem", "does not answer", "server logs")
def a_server_that_does_not_answer(patient: Patient) -> None:
    patient.fronts.close()


@breaks("server", "problem", "does not answer", "server logs", driver="compose")
def a_stack_that_does_not_answer(patient: Patient) -> None:
    patient.fronts.close()


@breaks("ports", "problem", "already in use by", "Stop that program")
def a_port_that_another_program_has(patient: Patient) -> None:
    patient.stop()
    patient.set(port=patient.stage.enter_context(busy_port()))


@breaks("ports", "problem", "already in use by", "Stop that program", driver="compose")
def a_port_of_a_stack_that_another_program_has(patient: Patient) -> None:
    patient.docker_says(ps=["", 0])
    port = patient.stage.enter_context(busy_port())
    patient.set(monitoring=replace(patient.settings.monitoring, grafana_port=port))


@breaks("pid-file", "warning", "does not run", "server start")
def a_process_that_was_killed(patient: Patient) -> None:
    patient.kill()


# Docker


@breaks("docker", "problem", "no docker on PATH", "Install Docker", driver="compose")
def no_docker(patient: Patient) -> None:
    os.environ["PATH"] = str(patient.home.data)  # The fixture puts it back.
    patient.alter()


@breaks("compose", "problem", "no Compose plugin", "Install Docker's Compose", driver="compose")
def no_compose(patient: Patient) -> None:
    patient.docker_says(compose=["docker: 'compose' is not a docker command.", 1])


@breaks("compose", "problem", "Compose 2.3.0 is too old", "Install", driver="compose")
def an_old_compose(patient: Patient) -> None:
    patient.docker_says(compose=["2.3.0", 0])


@breaks("docker-daemon", "problem", "does not answer", "systemctl start docker", driver="compose")
def no_daemon(patient: Patient) -> None:
    said = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock."
    patient.docker_says(version=[said, 1])


@breaks("docker-rights", "problem", "may not talk", "usermod -aG docker", driver="compose")
def no_rights_on_the_socket(patient: Patient) -> None:
    said = "permission denied while trying to connect to the Docker daemon socket"
    patient.docker_says(version=[said, 1])


@breaks("containers", "problem", "nginx is unhealthy", "server logs nginx", driver="compose")
def a_container_that_is_ill(patient: Patient) -> None:
    _container(patient, Health="unhealthy")


@breaks("containers", "problem", "nginx is exited", "server start", driver="compose")
def a_container_that_was_stopped(patient: Patient) -> None:
    _container(patient, State="exited", more=_WELL_REGISTRY)


@breaks("containers", "problem", "registry is restarting", "logs registry", driver="compose")
def a_container_that_restarts_again_and_again(patient: Patient) -> None:
    _container(patient, more='{"Service": "registry", "State": "restarting", "ID": "feedbeef"}')


@breaks("containers", "problem", "no container of redis", "server start", driver="compose")
def a_container_that_was_removed(patient: Patient) -> None:
    patient.docker_says(config=["nginx\nredis", 0])


@breaks("containers", "problem", "yaml: line 3", "server apply", driver="compose")
def a_compose_file_that_compose_refuses(patient: Patient) -> None:
    patient.docker_says(ps=["yaml: line 3: did not find expected key", 1])


@breaks("containers", "warning", "nginx 7 times", "server logs nginx", driver="compose")
def a_container_that_was_restarted(patient: Patient) -> None:
    inspected = '[{"Id": "0123456789ab", "RestartCount": 7, "State": {"Status": "running"}}]'
    patient.docker_says(inspect=[inspected, 0])


# Names


@breaks("name-known", "problem", NAME, "/etc/hosts", driver="compose")
def a_name_that_does_not_resolve(patient: Patient) -> None:
    patient.alter_machine(resolve=_no_name)


@breaks("name-leads-here", "warning", "192.0.2.7); DNS says so", "Let DNS", driver="compose")
def a_name_of_another_machine(patient: Patient) -> None:
    patient.alter_machine(resolve=lambda name: ("192.0.2.7",))


@breaks("name-leads-here", "warning", "etc/hosts says so", "Remove the line", driver="compose")
def a_wrong_hosts_entry(patient: Patient) -> None:
    (patient.context.machine.root / "etc" / "hosts").write_text(f"192.0.2.7  {NAME}  # old\n")
    patient.alter_machine(resolve=lambda name: ("192.0.2.7",))


# Certificates


@breaks("certificate", "problem", "is not about the key", "server start", driver="compose")
def a_key_of_another_certificate(patient: Patient) -> None:
    tls = patient.home.tls
    (tls / "server.key").write_bytes((tls / "ca.key").read_bytes())


@breaks("certificate", "problem", "cannot be read", "server start", driver="compose")
def no_certificate(patient: Patient) -> None:
    (patient.home.tls / "server.crt").unlink()


@breaks("certificate-expiry", "problem", "It ended on", "server start", driver="compose")
def a_certificate_that_ended(patient: Patient) -> None:
    _issue_at(patient, datetime.now(timezone.utc) - timedelta(days=400))


@breaks("certificate-expiry", "warning", "in 21 days", "server start", driver="compose")
def a_certificate_that_ends_soon(patient: Patient) -> None:
    _issue_at(patient, datetime.now(timezone.utc) - timedelta(days=397 - 22, hours=1))


@breaks("certificate-expiry", "problem", "is not valid before", "timedatectl", driver="compose")
def a_certificate_of_tomorrow(patient: Patient) -> None:
    _issue_at(patient, datetime.now(timezone.utc) + timedelta(days=3))


@breaks("certificate-names", "problem", "not for other.local", "server start", driver="compose")
def a_name_that_the_certificate_lacks(patient: Patient) -> None:
    patient.set(web=replace(patient.settings.web, names=("other.local",)))


@breaks("authority", "problem", "has not signed", "server start", driver="compose")
def another_authority(patient: Patient) -> None:
    _another_authority(patient, keep=("server.crt", "server.key"))


@breaks("tls", "problem", "certificate that is shown", "server start", driver="compose")
def a_certificate_that_clients_refuse(patient: Patient) -> None:
    _another_authority(patient, keep=())


@breaks("tls", "warning", "nginx has not read it", "server restart nginx", driver="compose")
def a_certificate_that_nginx_has_not_read(patient: Patient) -> None:
    web = replace(patient.settings.web, names=("more.local",))
    ensure_certificates(patient.home, web)


@breaks("clock", "problem", "the clock was set back", "timedatectl")
def a_clock_that_was_set_back(patient: Patient) -> None:
    patient.alter(now=datetime.now(timezone.utc) - timedelta(days=2))


@breaks("clock", "problem", "differ by", "timedatectl")
def a_server_with_another_clock(patient: Patient) -> None:
    patient.front.told["/health"] = (200, {"Date": "Mon, 01 Jan 2024 00:00:00 GMT"}, b"{}")


@breaks("trust-pip", "warning", "lacks the server's", "update-ca-certificates", driver="compose")
def a_system_that_does_not_trust(patient: Patient) -> None:
    _foreign_bundle(patient, patient.context.machine.root / "etc/ssl/certs/ca-certificates.crt")


@breaks("trust-pip", "problem", "no such file", "pip.conf", driver="compose")
def a_bundle_of_pip_that_is_gone(patient: Patient) -> None:
    conf = patient.context.machine.user_folder / ".config" / "pip" / "pip.conf"
    conf.parent.mkdir()
    conf.write_text("[global]\ncert = /nowhere/ca.pem\n")


@breaks("trust-poetry", "problem", "lacks the authority", "poetry config", driver="compose")
def a_bundle_of_poetry_that_lacks_it(patient: Patient) -> None:
    bundle = _foreign_bundle(patient, patient.home.root.parent / "foreign.crt")
    patient.export(POETRY_CERTIFICATES_CORP_CERT=str(bundle))


@breaks("trust-poetry", "warning", "told of no certificate", "poetry config", driver="compose")
def a_poetry_that_knows_no_certificate(patient: Patient) -> None:
    url = patient.settings.url
    patient.export(POETRY_REPOSITORIES_OTHER_URL=url)


@breaks("trust-requests", "problem", "no such file", "REQUESTS_CA_BUNDLE", driver="compose")
def a_bundle_of_requests_that_is_gone(patient: Patient) -> None:
    patient.export(REQUESTS_CA_BUNDLE="/nowhere/ca.pem")


@breaks("trust-requests", "warning", "lacks the server's", "cat ", driver="compose")
def a_bundle_of_requests_that_lacks_it(patient: Patient) -> None:
    bundle = _foreign_bundle(patient, patient.home.root.parent / "foreign.crt")
    patient.export(REQUESTS_CA_BUNDLE=str(bundle))


# Answers


@breaks("version", "warning", "Version 0.0.0.dev1 runs", "server restart")
def an_old_version_that_runs(patient: Patient) -> None:
    patient.front.told["/health"] = (200, {}, b'{"version": "0.0.0.dev1"}')


@breaks("version", "problem", "not that of a registry", "server status")
def another_program_that_answers(patient: Patient) -> None:
    patient.front.told["/health"] = (200, {}, b"It works!")


@breaks("ready", "problem", "only 3 bytes", "server logs")
def a_registry_that_is_not_ready(patient: Patient) -> None:
    patient.front.told["/ready"] = (503, {}, b"only 3 bytes are free")


@breaks("answer-anonymous", "problem", "Everybody can read", "server apply")
def an_index_that_everybody_reads(patient: Patient) -> None:
    patient.front.told["/simple/"] = (200, {}, b"")


@breaks("answer-anonymous", "problem", "401, not 200", "server logs")
def an_open_index_that_is_closed(patient: Patient) -> None:
    patient.set(anonymous_read=True)


@breaks("answer-401", "problem", "answered with 200, not 401", "server logs")
def a_wrong_password_that_is_taken(patient: Patient) -> None:
    patient.front.told["/simple/"] = (200, {}, b"")


@breaks("answer-401", "warning", "429", "server audit")
def logins_that_are_limited(patient: Patient) -> None:
    patient.front.told["/simple/"] = (429, {}, b"")


@breaks("answer-403", "problem", "may upload", "user list")
def a_reader_who_may_upload(patient: Patient) -> None:
    patient.export(AEGIS_READER_TOKEN=TOKEN)
    patient.front.told["/legacy/"] = (400, {}, b"")


@breaks("answer-403", "warning", "is not known", "token list")
def a_token_that_nobody_has(patient: Patient) -> None:
    patient.export(AEGIS_READER_TOKEN="aegis_0_other")


@breaks("answer-404", "problem", "answered with 200, not 401", "server logs")
def a_proxy_that_has_an_answer_to_everything(patient: Patient) -> None:
    patient.front.told["/simple/poetry-aegis-doctor-looks-for-nothing/"] = (200, {}, b"")


@breaks("answer-413", "problem", "1GiB is answered with 413", "server apply", driver="compose")
def an_nginx_that_takes_too_little(patient: Patient) -> None:
    patient.front.largest = 1024**2


@breaks("answer-413", "warning", "not 413", "server apply", driver="compose")
def an_nginx_that_takes_too_much(patient: Patient) -> None:
    patient.front.largest = 1024**4


@breaks("metrics", "problem", "open to everybody", "server apply")
def metrics_that_everybody_reads(patient: Patient) -> None:
    patient.front.told["/metrics"] = (200, {}, b"aegis_files 1")


@breaks("redirect", "problem", "does not lead to https", "server apply", driver="compose")
def a_page_without_tls(patient: Patient) -> None:
    patient.front.told["plain"] = (200, {}, b"")


# Files


@breaks("data", "problem", "is not there", "Is a disk not mounted?")
def data_that_are_gone(patient: Patient) -> None:
    patient.home.data.rename(patient.home.root / "elsewhere")


@breaks("folders", "warning", "logs", "mkdir")
def a_folder_that_is_gone(patient: Patient) -> None:
    patient.home.log_file.parent.rmdir()


@breaks("data-owner", "problem", "the server runs as, such as", "sudo chown -R", driver="compose")
def a_file_of_somebody_else(patient: Patient) -> None:
    (file,) = (patient.home.data / "packages" / PROJECT).glob("*.whl")
    _give_away(patient, file)


@breaks("data-owner", "problem", "the server runs as, such as", "sudo chown -R", driver="compose")
def a_key_that_nginx_cannot_read(patient: Patient) -> None:
    _give_away(patient, patient.home.tls / "server.key")


@breaks("data-writable", "problem", "Not even their owner", "chmod u+rwx")
def a_folder_that_is_closed(patient: Patient) -> None:
    (patient.home.data / "packages").chmod(0o500)


@breaks("data-writable", "problem", "mounted read-only", "remount,rw")
def a_disk_that_is_read_only(patient: Patient) -> None:
    patient.alter_machine(disk=lambda path: Disk(f_flag=os.ST_RDONLY))


@breaks("private-files", "problem", "htpasswd", "chmod go-rwx")
def users_that_others_can_read(patient: Patient) -> None:
    (patient.home.auth / "htpasswd").chmod(0o644)


@breaks("private-files", "problem", ".env", "chmod go-rwx", driver="compose")
def passwords_that_others_can_read(patient: Patient) -> None:
    patient.home.env_file.chmod(0o604)


@breaks("private-files", "problem", "ca.key", "chmod go-rwx", driver="compose")
def a_key_that_others_can_read(patient: Patient) -> None:
    (patient.home.tls / "ca.key").chmod(0o640)


@breaks("env-file", "problem", "REDIS_PASSWORD not in", "server start", driver="compose")
def a_password_that_was_never_made(patient: Patient) -> None:
    patient.set(redis=RedisSettings(enabled=True))


@breaks("env-file", "problem", "GRAFANA_PASSWORD not in", "server start", driver="compose")
def passwords_that_are_gone(patient: Patient) -> None:
    patient.home.env_file.unlink()


@breaks("disk-space", "warning", "are free", "server prune")
def a_disk_that_fills(patient: Patient) -> None:
    patient.alter_machine(disk=lambda path: Disk(f_bavail=500_000))


@breaks("disk-space", "problem", "no uploads any more", "server prune")
def a_disk_that_is_full(patient: Patient) -> None:
    patient.alter_machine(disk=lambda path: Disk(f_bavail=3))


@breaks("log-size", "warning", "access.log", "server apply", driver="compose")
def a_log_that_grew(patient: Patient) -> None:
    _large(patient.home.nginx_logs / "access.log")


@breaks("log-size", "warning", "access.log.1", "rm ", driver="compose")
def a_large_log_that_was_put_aside(patient: Patient) -> None:
    _large(patient.home.nginx_logs / "access.log.1")


@breaks("log-size", "warning", "registry.log", "server restart")
def a_log_of_a_process_that_grew(patient: Patient) -> None:
    _large(patient.home.log_file)


@breaks("inodes", "problem", "0 more files", "df -i")
def a_disk_without_inodes(patient: Patient) -> None:
    patient.alter_machine(disk=lambda path: Disk(f_favail=0))


# Remains


@breaks("command-lock", "warning", "run/lock", "where it hangs: kill")
def a_command_that_hangs(patient: Patient) -> None:
    _hold(patient, patient.home.lock_file)


@breaks("project-locks", "warning", f"keeps {PROJECT} from being written", "kill")
def a_lock_that_is_never_let_go(patient: Patient) -> None:
    _hold(patient, patient.home.data / ".work" / "locks" / f"{PROJECT}.lock")


@breaks("unfinished", "warning", PROJECT, f"server reindex {PROJECT}")
def a_change_that_a_crash_cut_off(patient: Patient) -> None:
    _old(patient.home.data / ".work" / "pending" / PROJECT)


@breaks("leftovers", "warning", "1 temporary file", "rm ")
def a_temporary_file_left_over(patient: Patient) -> None:
    _old(patient.home.root / ".tmp-abc.part")


@breaks("half-restored", "problem", "The restore of b.tar.gz", "server restore")
def a_restore_that_was_cut_off(patient: Patient) -> None:
    from poetry_aegis.server.backup import marker

    marker.write(patient.home, marker.Marker("b.tar.gz", "data.restoring-1", "data.before-1"))


@breaks("half-restored", "warning", "backup-1", "rm -r")
def a_backup_that_was_killed(patient: Patient) -> None:
    folder = patient.home.data / ".work" / "backup-1"
    folder.mkdir()
    os.utime(folder, (LONG_AGO, LONG_AGO))


# The index


@breaks("index", "problem", "the file is gone", f"server reindex {PROJECT}")
def a_file_that_was_taken_away(patient: Patient) -> None:
    (file,) = (patient.home.data / "packages" / PROJECT).glob("*.whl")
    file.unlink()


@breaks("database", "problem", "state.db", "server restore")
def a_database_that_is_damaged(patient: Patient) -> None:
    path = patient.home.data / "state.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with path.open("r+b") as file:
        file.seek(0)
        file.write(b"no database at all, but something else")


# People


@breaks("users", "problem", "is not UTF-8 text", "Mend or restore")
def users_that_are_no_text(patient: Patient) -> None:
    (patient.home.auth / "htpasswd").write_bytes(b"\xff\xfe\x00")


@breaks("users", "problem", "no user", "user add")
def no_user(patient: Patient) -> None:
    (patient.home.auth / "htpasswd").write_text("")


@breaks("admin", "warning", "no admin", "--role admin")
def no_admin(patient: Patient) -> None:
    Users(patient.home.auth).change("ada", "reader")


@breaks("passwords", "problem", "no bcrypt hash for eve", "user passwd eve")
def a_password_in_plain_text(patient: Patient) -> None:
    with (patient.home.auth / "htpasswd").open("a") as file:
        file.write("eve:secret\n")


@breaks("passwords", "problem", "no bcrypt hash for eve", "user passwd eve")
def no_password(patient: Patient) -> None:
    with (patient.home.auth / "htpasswd").open("a") as file:
        file.write("eve:\n")


@breaks("passwords", "problem", "of root can be guessed", "user passwd root")
def a_password_that_is_the_name(patient: Patient) -> None:
    Users(patient.home.auth, rounds=CHEAP_ROUNDS).add("root", "root", "admin")


@breaks("tokens", "warning", "Expired: token", "token revoke")
def a_token_that_expired(patient: Patient) -> None:
    _token(patient, timedelta(seconds=-1))


@breaks("tokens", "warning", "of ada ends on", "token create --user ada")
def a_token_that_ends_soon(patient: Patient) -> None:
    _token(patient, timedelta(days=3))


# Signatures


@breaks("signatures", "problem", "No such file or directory", "server.toml")
def trusted_keys_that_are_gone(patient: Patient) -> None:
    patient.set(signatures=SignatureSettings(trust="gone.toml"))


@breaks("signatures", "problem", "keys.ada", "server.toml", driver="compose")
def a_trusted_key_that_is_none(patient: Patient) -> None:
    _trust(patient, 'public = "0123"')


@breaks("signatures", "warning", "Key ada ends on", "Put the keys that follow into")
def a_trusted_key_that_ends_soon(patient: Patient) -> None:
    _trust(patient, f"{_KEY}\nvalid_until = {_in(29)}")


@breaks("signatures", "warning", "Key eve ended on", "server apply", driver="compose")
def a_trusted_key_that_has_ended(patient: Patient) -> None:
    eve = f'[keys.eve]\n{_KINDS}\npublic = "{"0123456789abcdef" * 4}"'
    _trust(patient, f"{_KEY}\n{eve}\nvalid_until = {_in(-1)}")


@breaks("signatures", "problem", "2 must sign, and of 1 key 1 can", "Put the keys")
def fewer_trusted_keys_than_have_to_sign(patient: Patient) -> None:
    _trust(patient, _KEY, threshold=2)


@breaks("signatures", "problem", "1 must sign, and of 1 key 0 can", "Put the keys")
def a_revoked_key_alone(patient: Patient) -> None:
    _trust(patient, f"{_KEY}\nrevoked = {_in(-1)}")


# Backups


@breaks("backup-age", "warning", "never a backup", "server backup")
def no_backup(patient: Patient) -> None:
    (patient.home.data / ".work" / "last-backup").unlink()


@breaks("backup-age", "warning", "old", "server backup")
def an_old_backup(patient: Patient) -> None:
    _old(patient.home.data / ".work" / "last-backup")


@breaks("backup-folder", "problem", "may not write", "chown")
def a_backup_folder_that_is_closed(patient: Patient) -> None:
    patient.context.backups.mkdir(mode=0o500)


@breaks("backup-folder", "problem", "is no folder", "[backup]")
def a_backup_folder_that_is_a_file(patient: Patient) -> None:
    patient.context.backups.write_text("")


# The machine


@breaks("memory", "warning", "Only 100.0 MiB", "ps aux")
def little_memory(patient: Patient) -> None:
    (patient.context.machine.root / "proc" / "meminfo").write_text("MemAvailable: 102400 kB\n")


@breaks("memory", "problem", "Only 10.0 MiB", "ps aux")
def no_memory(patient: Patient) -> None:
    (patient.context.machine.root / "proc" / "meminfo").write_text("MemAvailable: 10240 kB\n")


@breaks("open-files", "warning", "Only 256", "ulimit -n")
def few_open_files(patient: Patient) -> None:
    patient.alter_machine(open_files=256)


@breaks("selinux", "problem", "SELinux keeps containers from", "chcon", driver="compose")
def labels_that_keep_containers_out(patient: Patient) -> None:
    switch = patient.context.machine.root / "sys" / "fs" / "selinux" / "enforce"
    switch.parent.mkdir(parents=True)
    switch.write_text("1")
    patient.alter_machine(label=lambda path: "unconfined_u:object_r:user_home_t:s0")


# The environment


@breaks("poetry-repositories", "warning", "hides every other", "unset", driver="compose")
def a_variable_that_hides_repositories(patient: Patient) -> None:
    patient.export(POETRY_REPOSITORIES_OTHER_URL="https://user:pw@other.example/simple/")


@breaks("proxy", "warning", "HTTPS_PROXY leads", f"NO_PROXY={NAME}", driver="compose")
def a_proxy_that_catches_the_name(patient: Patient) -> None:
    patient.export(HTTPS_PROXY="http://user:pw@proxy.example:3128")


@breaks("proxy", "warning", "HTTP_PROXY leads", "NO_PROXY=$NO_PROXY,127.0.0.1")
def a_proxy_before_a_server_without_tls(patient: Patient) -> None:
    patient.export(http_proxy="http://proxy.example:3128", no_proxy="other.example")


@breaks("index-variables", "warning", "PIP_INDEX_URL, UV_INDEX leads", "unset", driver="compose")
def variables_that_name_another_index(patient: Patient) -> None:
    patient.export(
        PIP_INDEX_URL="https://user:pw@other.example/simple", UV_INDEX="x=https://o.example/"
    )


@breaks("verification", "warning", "PIP_TRUSTED_HOST", "server ca", driver="compose")
def a_client_that_does_not_verify(patient: Patient) -> None:
    patient.export(PIP_TRUSTED_HOST=NAME)


@breaks("verification", "warning", "certificates.corp.cert", "server ca", driver="compose")
def a_poetry_that_does_not_verify(patient: Patient) -> None:
    patient.export(POETRY_CERTIFICATES_CORP_CERT="false")


# How


def _no_name(name: str) -> tuple[str, ...]:
    raise OSError(errno.ENOENT, "Name or service not known")


_WELL_REGISTRY = '{"Service": "registry", "State": "running", "ID": "feedbeef"}'


def _container(patient: Patient, *, more: str = "", **changes: str) -> None:
    import json

    nginx = {"Service": "nginx", "State": "running", "Health": "healthy", "ID": "0123456789ab"}
    patient.docker_says(ps=["\n".join([json.dumps(nginx | changes), more]).strip(), 0])


def _issue_at(patient: Patient, moment: datetime) -> None:
    """Make the certificate as it would have been made at *moment*."""
    for name in ("ca.crt", "ca.key", "server.crt", "server.key"):
        (patient.home.tls / name).unlink()
    ensure_certificates(patient.home, patient.settings.web, now=moment)


def _another_authority(patient: Patient, *, keep: tuple[str, ...]) -> None:
    tls = patient.home.tls
    kept = {name: (tls / name).read_bytes() for name in keep}
    _issue_at(patient, datetime.now(timezone.utc))
    for name, content in kept.items():
        (tls / name).write_bytes(content)


def _foreign_bundle(patient: Patient, target: Path) -> Path:
    """Write a bundle with another authority alone to *target*."""
    from poetry_aegis.server.home import ServerHome

    foreign = ServerHome(patient.home.root.parent / "foreign")
    foreign.make_directories()
    ensure_certificates(foreign, WebSettings())
    target.write_bytes((foreign.tls / "ca.crt").read_bytes())
    return target


def _give_away(patient: Patient, path: Path) -> None:
    """Let *path* belong to another user than the server, which only root can do to the file."""
    if os.getuid() == 0:
        os.chown(path, 12345, 12345)
    else:
        containers = replace(patient.settings.containers, user="12345:12345")
        patient.set(containers=containers)


def _hold(patient: Patient, lock: Path) -> None:
    """Let another process hold *lock*."""
    code = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}; sys.stdin.read()", str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    patient.stage.callback(process.communicate)


def _large(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as stream:
        stream.truncate(2 * 1024**3)  # All of it is a hole.


def _old(path: Path) -> None:
    path.touch()
    os.utime(path, (LONG_AGO, LONG_AGO))


_KINDS = 'keytype = "ed25519"\nscheme = "ed25519"'
_KEY = 'public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"'


def _trust(patient: Patient, ada: str, *, threshold: int = 1) -> None:
    """Let the server trust the key of ada, and of whom else stands after it."""
    text = f"threshold = {threshold}\n[keys.ada]\n{_KINDS}\n{ada}\n"
    (patient.home.root / "trust.toml").write_text(text)
    patient.set(signatures=SignatureSettings(trust="trust.toml"))


def _in(days: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).date().isoformat()


def _token(patient: Patient, left: timedelta) -> None:
    now = datetime.now(timezone.utc)
    Users(patient.home.auth).create_token("ada", expires=now + timedelta(days=90))
    patient.alter(now=now + timedelta(days=90) - left)
