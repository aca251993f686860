"""nginx over a data directory: with nothing in between, or asking the registry who may read."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_WHOLE = """\
{user}
worker_processes auto;
pid {home}/nginx.pid;
error_log {home}/error.log;
daemon off;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    sendfile {sendfile};
    tcp_nodelay on;
    absolute_redirect off;
    client_max_body_size 1g;
    keepalive_requests 1000000;
    open_file_cache max=20000 inactive=60s;
    open_file_cache_valid 1s;
    default_type application/octet-stream;
    types {{ text/html html; application/vnd.pypi.simple.v1+json json; }}
    map $http_accept $page {{
        default index.html;
        "~application/vnd\\.pypi\\.simple\\.(v1|latest)\\+json" index.json;
    }}
{around}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {data};
        location = /simple/ {{ {guard} try_files /simple/$page {otherwise}; }}
        location ~ ^/simple/(?<project>[a-z0-9-]+)/$ {{
            {guard} try_files /simple/$project/$page {otherwise};
        }}
        location /packages/ {{ {guard} try_files $uri {otherwise}; }}
{beside}
    }}
}}
"""
_AROUND = """\
    log_format counted escape=json
        '{{"time":"$time_iso8601","user":"$remote_user","method":"$request_method",'
        '"path":"$uri","status":$status,"bytes":$body_bytes_sent,"agent":"$http_user_agent"}}';
    access_log {home}/access.log counted buffer=64k flush=1s;
    proxy_cache_path {home}/decisions keys_zone=decisions:10m max_size=64m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    upstream registry {{ server 127.0.0.1:{registry}; keepalive 32; }}
"""
_GUARD = "auth_request /_authorized; error_page 403 404 429 500 = @registry;"
# A decision is for one credential, method and address: a cached GET must not allow a POST.
_BESIDE = """\
        location = /_authorized {{
            internal;
            proxy_pass http://registry/_authorize;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-URI $request_uri;
            proxy_cache decisions;
            proxy_cache_key "$http_authorization $request_method $request_uri";
            proxy_cache_valid 200 204 10s;
            proxy_cache_lock on;
            proxy_ignore_headers Cache-Control Expires Vary;
        }}
        location @registry {{ proxy_pass http://registry; }}
        location / {{ proxy_request_buffering off; proxy_pass http://registry; }}
"""


def nginx_command(
    home: Path, data: Path, port: int, *, registry: int | None = None, sendfile: bool = True
) -> list[str]:
    """Return the command of an nginx on *port* that serves *data*.

    With the port of a *registry* that has the same data, it asks that one who may read, remembers
    the answer, and hands everything else over to it. Without *sendfile* the head and the content of
    a small answer go out in one packet.
    """
    nginx = shutil.which("nginx")
    if nginx is None:
        sys.exit("nginx is not on PATH; the benchmark compares with it.")
    home.mkdir(parents=True, exist_ok=True)
    asks = registry is not None
    text = _WHOLE.format(
        user="user root;" if os.geteuid() == 0 else "",
        sendfile="on" if sendfile else "off",
        home=home,
        port=port,
        data=data,
        around=_AROUND.format(home=home, registry=registry) if asks else "    access_log off;",
        guard=_GUARD if asks else "",
        otherwise="@registry" if asks else "=404",
        beside=_BESIDE.format() if asks else "",
    )
    configuration = home / "nginx.conf"
    configuration.write_text(text)
    return [nginx, "-p", str(home), "-c", str(configuration), "-e", str(home / "error.log")]
