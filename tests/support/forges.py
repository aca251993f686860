"""Stand-ins for GitHub, Gitea and GitLab, with state.

Each checks the token and refuses what the real one refuses, in its words.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.forge import NAME, OWNER, TOKEN, Reply, Request, StandIn


@dataclass
class Drafting(StandIn):
    """What GitHub and Gitea have in common."""

    releases: dict[int, dict[str, Any]] = field(default_factory=dict)
    assets: dict[int, dict[str, Any]] = field(default_factory=dict)

    def contents(self) -> dict[str, bytes]:
        return {asset["name"]: asset["content"] for asset in self.assets.values()}

    def shown(self) -> list[dict[str, Any]]:
        return [
            {
                "tag": release["tag_name"],
                "title": release["name"],
                "notes": release["body"],
                "prerelease": release["prerelease"],
                "draft": release["draft"],
                "files": sorted(
                    (asset["name"], asset["content"], asset.get("state", "uploaded"))
                    for asset in self.assets.values()
                    if asset["release"] == identity
                ),
            }
            for identity, release in self.releases.items()
        ]

    def add_release(self, **values: Any) -> int:
        """Have a release already."""
        identity = self.new_id()
        base = {"tag_name": "v1.0.0", "name": "", "body": "", "prerelease": False, "draft": False}
        self.releases[identity] = {"id": identity, **base, **values}
        return identity

    def add_asset(self, release: int, name: str, content: bytes, **values: Any) -> int:
        """Have a file already."""
        identity = self.new_id()
        self.assets[identity] = {
            "id": identity,
            "release": release,
            "name": name,
            "content": content,
            "size": len(content),
            **values,
        }
        return identity

    def get_project(self, request: Request) -> Reply:
        permissions = None if self.may_write is None else {"pull": True, "push": self.may_write}
        return Reply(200, {"full_name": f"{OWNER}/{NAME}", "permissions": permissions})

    def get_tag(self, request: Request, tag: str) -> Reply:
        return Reply(200, {"name": tag}) if tag in self.tags else Reply(404, {"message": "x"})

    def get_release(self, request: Request, identity: str) -> Reply:
        release = self.releases.get(int(identity))
        return Reply(404, {"message": "Not Found"}) if release is None else self.release(release)

    def release(self, release: dict[str, Any], status: int = 200) -> Reply:
        return Reply(status, release)

    def delete_asset(self, request: Request, identity: str) -> Reply:
        found = self.assets.pop(int(identity), None)
        return Reply(404, {"message": "Not Found"}) if found is None else Reply(204)

    def of_release(self, identity: str) -> list[dict[str, Any]]:
        return [row for row in self.assets.values() if row["release"] == int(identity)]


@dataclass
class GitHubStandIn(Drafting):
    """GitHub Enterprise, with its API under /api/v3 and uploads under /api/uploads.

    *digests*: it tells the digest of a file, as newer ones do. *breaks_uploads*: so many uploads
    end in a 502 that leaves a "starter" behind.
    """

    digests: bool = True
    breaks_uploads: int = 0
    upload_host: str = ""

    kind = "github"
    variable = "GITHUB_TOKEN"

    def knows(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def routes(self) -> list[tuple[str, str]]:
        repo = f"/api/v3/repos/{OWNER}/{NAME}"
        return [
            (f"GET {repo}", "get_project"),
            (f"GET {repo}/git/ref/tags/([^/]+)", "get_tag"),
            (f"GET {repo}/releases", "list_releases"),
            (f"GET {repo}/releases/tags/([^/]+)", "get_by_tag"),
            (f"POST {repo}/releases", "create"),
            (rf"GET {repo}/releases/(\d+)", "get_release"),
            (rf"PATCH {repo}/releases/(\d+)", "edit"),
            (rf"GET {repo}/releases/(\d+)/assets", "list_assets"),
            (rf"POST /api/uploads/repos/{OWNER}/{NAME}/releases/(\d+)/assets", "upload"),
            (rf"GET {repo}/releases/assets/(\d+)", "download"),
            (rf"DELETE {repo}/releases/assets/(\d+)", "delete_asset"),
        ]

    def release(self, release: dict[str, Any], status: int = 200) -> Reply:
        return Reply(status, self.told(release))

    def told(self, release: dict[str, Any]) -> dict[str, Any]:
        host = self.upload_host or self.url
        path = f"/api/uploads/repos/{OWNER}/{NAME}/releases/{release['id']}/assets"
        return release | {"upload_url": f"{host}{path}{{?name,label}}"}

    def list_releases(self, request: Request) -> Reply:
        return self.page(request, [self.told(release) for release in self.releases.values()])

    def page(self, request: Request, rows: list[dict[str, Any]]) -> Reply:
        size, number = int(request.query["per_page"]), int(request.query["page"])
        return Reply(200, rows[(number - 1) * size : number * size])

    def get_by_tag(self, request: Request, tag: str) -> Reply:
        for release in self.releases.values():
            if release["tag_name"] == tag and not release["draft"]:
                return self.release(release)
        return Reply(404, {"message": "Not Found"})

    def create(self, request: Request) -> Reply:
        document = request.document
        tag = document["tag_name"]
        published = [r for r in self.releases.values() if r["tag_name"] == tag and not r["draft"]]
        if published:
            error = {"resource": "Release", "code": "already_exists", "field": "tag_name"}
            return Reply(422, {"message": "Validation Failed", "errors": [error]})
        identity = self.add_release(**document)
        if not document.get("draft"):
            self.tags.add(tag)
        return self.release(self.releases[identity], 201)

    def edit(self, request: Request, identity: str) -> Reply:
        document = request.document
        latest = document.pop("make_latest", None)
        if latest and (document.get("draft") or document.get("prerelease")):
            return Reply(422, {"message": "Validation Failed"})
        release = self.releases[int(identity)]
        release.update(document)
        if not release["draft"]:
            self.tags.add(release["tag_name"])
        return self.release(release)

    def list_assets(self, request: Request, identity: str) -> Reply:
        return self.page(request, [self.asset(row) for row in self.of_release(identity)])

    def asset(self, row: dict[str, Any]) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(row['content']).hexdigest()}" if self.digests else None
        told = {key: row[key] for key in ("id", "name", "size")}
        url = f"{self.url}/api/v3/repos/{OWNER}/{NAME}/releases/assets/{row['id']}"
        return {**told, "state": row.get("state", "uploaded"), "digest": digest, "url": url}

    def upload(self, request: Request, identity: str) -> Reply:
        name = request.query["name"]
        if "content-type" not in request.headers or not request.body:
            return Reply(400, {"message": "Bad Request"})
        if any(row["name"] == name for row in self.of_release(identity)):
            error = {"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}
            return Reply(422, {"message": "Validation Failed", "errors": [error]})
        if self.breaks_uploads:
            self.breaks_uploads -= 1
            self.add_asset(int(identity), name, b"", state="starter")
            return Reply(502, b"<html>Bad Gateway</html>")
        asset = self.add_asset(int(identity), name, request.body)
        return Reply(201, self.asset(self.assets[asset]))

    def download(self, request: Request, identity: str) -> Reply:
        row = self.assets[int(identity)]
        if request.headers.get("accept") != "application/octet-stream":
            return Reply(200, self.asset(row))
        port = urlsplit(self.url).port
        return Reply(302, headers={"Location": f"http://localhost:{port}/storage/{row['name']}"})


@dataclass
class GiteaStandIn(Drafting):
    """Gitea: files of one name may stand twice, and an empty value changes nothing.

    *private*: downloads without a token lead to the page that asks to sign in.
    """

    private: bool = True

    kind = "gitea"
    variable = "GITEA_TOKEN"

    def knows(self, request: Request) -> bool:
        page = not request.path.startswith("/api/")
        return page or request.headers.get("authorization") == f"token {TOKEN}"

    def routes(self) -> list[tuple[str, str]]:
        repo = f"/api/v1/repos/{OWNER}/{NAME}"
        return [
            (f"GET {repo}", "get_project"),
            (f"GET {repo}/tags/([^/]+)", "get_tag"),
            (f"GET {repo}/releases/tags/([^/]+)", "get_by_tag"),
            (f"POST {repo}/releases", "create"),
            (rf"GET {repo}/releases/(\d+)", "get_release"),
            (rf"PATCH {repo}/releases/(\d+)", "edit"),
            (rf"GET {repo}/releases/(\d+)/assets", "list_assets"),
            (rf"POST {repo}/releases/(\d+)/assets", "upload"),
            (rf"DELETE {repo}/releases/\d+/assets/(\d+)", "delete_asset"),
            (r"GET /attachments/(\d+)", "download"),
            ("GET /user/login", "login"),
        ]

    def get_by_tag(self, request: Request, tag: str) -> Reply:
        for release in self.releases.values():
            if release["tag_name"] == tag:
                return self.release(release)
        return Reply(404, {"message": "The target couldn't be found."})

    def create(self, request: Request) -> Reply:
        document = request.document
        if any(row["tag_name"] == document["tag_name"] for row in self.releases.values()):
            return Reply(409, {"message": "Release is has no Tag"})
        if not document.get("draft"):
            self.tags.add(document["tag_name"])
        return self.release(self.releases[self.add_release(**document)], 201)

    def edit(self, request: Request, identity: str) -> Reply:
        release = self.releases[int(identity)]
        release.update({k: v for k, v in request.document.items() if v != ""})
        if not release["draft"]:
            self.tags.add(release["tag_name"])
        return self.release(release)

    def list_assets(self, request: Request, identity: str) -> Reply:
        return Reply(200, [self.asset(row) for row in self.of_release(identity)])

    def asset(self, row: dict[str, Any]) -> dict[str, Any]:
        told = {key: row[key] for key in ("id", "name", "size")}
        return {**told, "browser_download_url": f"{self.url}/attachments/{row['id']}"}

    def upload(self, request: Request, identity: str) -> Reply:
        boundary = request.headers["content-type"].partition("boundary=")[2].encode()
        head, _, content = request.body.split(b"--" + boundary)[1].partition(b"\r\n\r\n")
        if b'name="attachment"' not in head:
            return Reply(500, {"message": "http: no such file"})
        asset = self.add_asset(int(identity), request.query["name"], content[:-2])
        return Reply(201, self.asset(self.assets[asset]))

    def download(self, request: Request, identity: str) -> Reply:
        if self.private and TOKEN not in request.headers.get("authorization", ""):
            return Reply(303, headers={"Location": "/user/login"})
        return Reply(200, self.assets[int(identity)]["content"])

    def login(self, request: Request) -> Reply:
        return Reply(200, b"<html>Sign in</html>")


@dataclass
class GitLabStandIn(StandIn):
    """GitLab with its generic package registry.

    *duplicates*: the group lets a package have several files of one name.
    """

    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    packages: dict[tuple[str, str, str], list[bytes]] = field(default_factory=dict)
    duplicates: bool = True
    header: str = "private-token"

    kind = "gitlab"
    variable = "GITLAB_TOKEN"

    @property
    def remote(self) -> str:
        return f"{self.url}/{OWNER}/sub/{NAME}.git"

    def knows(self, request: Request) -> bool:
        return request.headers.get(self.header) == TOKEN

    def routes(self) -> list[tuple[str, str]]:
        project = f"/api/v4/projects/{OWNER}%2Fsub%2F{NAME}"
        return [
            (f"GET {project}", "get_project"),
            (f"GET {project}/releases", "list_releases"),
            (f"POST {project}/releases", "create"),
            (f"GET {project}/releases/([^/]+)", "get_release"),
            (f"PUT {project}/releases/([^/]+)", "edit"),
            (f"POST {project}/releases/([^/]+)/assets/links", "add_link"),
            (rf"PUT {project}/releases/([^/]+)/assets/links/(\d+)", "edit_link"),
            (f"PUT {project}/packages/generic/([^/]+)/([^/]+)/([^/]+)", "put_file"),
            (f"GET {project}/packages/generic/([^/]+)/([^/]+)/([^/]+)", "get_file"),
        ]

    def contents(self) -> dict[str, bytes]:
        return {key[2]: files[-1] for key, files in self.packages.items()}

    def shown(self) -> list[dict[str, Any]]:
        return [
            {
                "tag": release["tag_name"],
                "title": release["name"],
                "notes": release["description"],
                "files": sorted(
                    (link["name"], self.packages[self.place(link["url"])][-1])
                    for link in release["assets"]["links"]
                ),
            }
            for release in self.releases.values()
        ]

    def place(self, url: str) -> tuple[str, str, str]:
        package, version, name = (unquote(part) for part in url.split("/")[-3:])
        return package, version, name

    def get_project(self, request: Request) -> Reply:
        if self.header == "job-token":
            return Reply(403, {"message": "403 Forbidden"})
        level = None if self.may_write is None else {"access_level": 40 if self.may_write else 20}
        return Reply(200, {"permissions": {"project_access": None, "group_access": level}})

    def list_releases(self, request: Request) -> Reply:
        return Reply(200, list(self.releases.values()))

    def get_release(self, request: Request, tag: str) -> Reply:
        release = self.releases.get(tag)
        return Reply(404, {"message": "404 Not Found"}) if release is None else Reply(200, release)

    def create(self, request: Request) -> Reply:
        document = request.document
        tag = document["tag_name"]
        if tag in self.releases:
            return Reply(409, {"message": "Release already exists"})
        if tag not in self.tags and "ref" not in document:
            return Reply(422, {"message": "Ref is not specified"})
        links = [{"id": self.new_id(), **link} for link in document["assets"]["links"]]
        self.releases[tag] = {
            "tag_name": tag,
            "name": document["name"],
            "description": document["description"],
            "assets": {"links": links},
        }
        return Reply(201, self.releases[tag])

    def edit(self, request: Request, tag: str) -> Reply:
        self.releases[tag].update(request.document)
        return Reply(200, self.releases[tag])

    def add_link(self, request: Request, tag: str) -> Reply:
        links = self.releases[tag]["assets"]["links"]
        if any(_same(link, request.document) for link in links):
            return Reply(400, {"message": {"name": ["has already been taken"]}})
        links.append({"id": self.new_id(), **request.document})
        return Reply(201, links[-1])

    def edit_link(self, request: Request, tag: str, identity: str) -> Reply:
        links = self.releases[tag]["assets"]["links"]
        (link,) = (link for link in links if link["id"] == int(identity))
        link.update(request.document)
        return Reply(200, link)

    def put_file(self, request: Request, package: str, version: str, name: str) -> Reply:
        if not all(re.fullmatch(r"[A-Za-z0-9._+-]+", part) for part in (package, version, name)):
            return Reply(400, {"error": "package_version is invalid"})
        files = self.packages.setdefault((package, version, name), [])
        if files and not self.duplicates:
            return Reply(400, {"message": "400 Bad request - Duplicate package is not allowed"})
        files.append(request.body)
        return Reply(201, {"message": "201 Created"})

    def get_file(self, request: Request, package: str, version: str, name: str) -> Reply:
        files = self.packages.get((package, version, name))
        if not files:
            return Reply(404, {"message": "404 Package Not Found"})
        port = urlsplit(self.url).port
        return Reply(302, headers={"Location": f"http://localhost:{port}/storage/{name}"})


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["name"] == other["name"] or one["url"] == other["url"])
