"""The part of the Hugging Face Hub that its client speaks to, on this machine and in memory.

Written from what ``huggingface_hub`` sends: creating, pre-upload, Git LFS, commits as NDJSON, trees
and files with the headers that its cache goes by. The Hub's own storage protocol (Xet) is not here:
the client falls back on LFS where ``HF_HUB_DISABLE_XET`` is set.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tools.page_process import free_port

WRITER, READER = "hf_a-token-that-may-write", "hf_a-token-that-may-read"


@dataclass
class Repository:
    """Files by revision; a commit's hash follows from its content."""

    settings: dict
    head: str = ""
    revisions: dict[str, dict[str, bytes]] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, bytes]:
        return self.revisions.get(self.head, {})

    def commit(self, files: dict[str, bytes]) -> None:
        text = repr([self.head, sorted(files.items())])
        self.head = hashlib.sha1(text.encode()).hexdigest()
        self.revisions[self.head] = files

    def at(self, revision: str) -> str:
        return self.head if revision == "main" else revision


class Hub:
    """Repositories by kind and name; ``asked`` has every request's method and path."""

    def __init__(self) -> None:
        self.address = ""
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.stored: dict[str, bytes] = {}
        self.asked: list[str] = []
        name = "{owner}/{name}"
        routes = [
            ("POST", "/api/validate-yaml", self.validate),
            ("POST", "/api/repos/create", self.create),
            ("GET", f"/api/{{kind}}/{name}/revision/{{revision}}", self.info),
            ("GET", f"/api/{{kind}}/{name}/tree/{{revision}}", self.tree),
            ("POST", f"/api/{{kind}}/{name}/preupload/main", self.preupload),
            ("POST", f"/api/{{kind}}/{name}/commit/main", self.commit),
            ("POST", f"/{name}.git/info/lfs/objects/batch", self.batch),
            ("POST", f"/spaces/{name}.git/info/lfs/objects/batch", self.batch),
            ("PUT", "/lfs/{oid}", self.store),
            ("GET", "/lfs/{oid}", self.stored_file),
            ("GET", f"/{name}/resolve/{{revision}}/{{path:path}}", self.file),  # and HEAD
        ]
        self.app = Starlette(
            routes=[Route(path, self._guarded(f), methods=[verb]) for verb, path, f in routes]
        )

    def _guarded(self, answer):
        async def endpoint(request: Request) -> Response:
            self.asked.append(f"{request.method} {request.url.path}")
            body = await request.body()
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            stored = request.url.path.startswith("/lfs/")  # whose addresses are secrets themselves
            if request.method == "POST" and not stored and token != WRITER:
                status = 403 if token == READER else 401
                return JSONResponse({"error": "Not with this token."}, status)
            return answer(request, body)

        return endpoint

    def _repository(self, request: Request) -> Repository | None:
        kind = request.path_params.get("kind", "models")
        name = f"{request.path_params['owner']}/{request.path_params['name']}"
        found = self.repositories.get((kind, name))
        token = request.headers.get("authorization")
        hidden = found and found.settings.get("visibility") == "private" and not token
        return None if hidden else found

    def validate(self, request: Request, body: bytes) -> Response:
        _, head, _ = json.loads(body)["content"].split("---\n", 2)
        errors = [] if "license" in yaml.safe_load(head) else [{"message": "no license"}]
        return JSONResponse({"errors": errors, "warnings": []}, 400 if errors else 200)

    def create(self, request: Request, body: bytes) -> Response:
        wish = json.loads(body)
        key = f"{wish.get('type', 'model')}s", f"{wish['organization']}/{wish['name']}"
        if wish.get("hardware") == "cpu-basic":
            return JSONResponse({"error": "Subscribe to PRO."}, 402)
        url = f"{self.address}/{key[1]}"
        if key in self.repositories:
            return JSONResponse({"error": "You already created it.", "url": url}, 409)
        self.repositories[key] = Repository(wish)
        self.repositories[key].commit({".gitattributes": b"*.safetensors filter=lfs"})
        return JSONResponse({"url": url})

    def info(self, request: Request, body: bytes) -> Response:
        if not (repository := self._repository(request)):
            return missing("RepoNotFound")
        sha = repository.at(request.path_params["revision"])
        if sha not in repository.revisions:
            return missing("RevisionNotFound")
        return JSONResponse({"id": request.path_params["name"], "sha": sha, "siblings": []})

    def tree(self, request: Request, body: bytes) -> Response:
        if not (repository := self._repository(request)):
            return missing("RepoNotFound")
        sha = repository.at(request.path_params["revision"])
        if sha not in repository.revisions:
            return missing("RevisionNotFound")
        entries = []
        for path, content in repository.revisions[sha].items():
            entry = {"type": "file", "path": path, "size": len(content), "oid": oid(content)}
            if large(path):
                entry["lfs"] = {"oid": oid(content), "size": len(content), "pointerSize": 130}
            entries.append(entry)
        return JSONResponse(entries)

    def preupload(self, request: Request, body: bytes) -> Response:
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if large(file["path"]) else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(body)["files"]
        ]
        return JSONResponse({"files": files})

    def batch(self, request: Request, body: bytes) -> Response:
        objects = [
            {**wish, "actions": {"upload": {"href": f"{self.address}/lfs/{wish['oid']}"}}}
            for wish in json.loads(body)["objects"]
        ]
        return JSONResponse({"transfer": "basic", "objects": objects})

    def store(self, request: Request, body: bytes) -> Response:
        assert oid(body) == request.path_params["oid"]
        self.stored[oid(body)] = body
        return Response()

    def stored_file(self, request: Request, body: bytes) -> Response:
        return Response(self.stored[request.path_params["oid"]])

    def commit(self, request: Request, body: bytes) -> Response:
        repository = self._repository(request)
        assert repository
        files = dict(repository.files)
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.stored[value["oid"]]
            elif item["key"] == "deletedFile":
                del files[value["path"]]
        repository.commit(files)
        kind, owner, name = (request.path_params[part] for part in ("kind", "owner", "name"))
        place = f"{owner}/{name}" if kind == "models" else f"{kind}/{owner}/{name}"
        url = f"{self.address}/{place}/commit/{repository.head}"
        return JSONResponse({"commitUrl": url, "commitOid": repository.head})

    def file(self, request: Request, body: bytes) -> Response:
        if not (repository := self._repository(request)):
            return missing("RepoNotFound")
        sha, path = repository.at(request.path_params["revision"]), request.path_params["path"]
        content = repository.revisions[sha][path]
        headers = {"ETag": f'"{oid(content)}"', "X-Repo-Commit": sha}
        if not large(path):
            return Response(content, headers=headers)
        headers |= {"X-Linked-ETag": headers["ETag"], "X-Linked-Size": str(len(content))}
        elsewhere = self.address.replace("127.0.0.1", "localhost")  # as files come from other hosts
        headers["Location"] = f"{elsewhere}/lfs/{oid(content)}"
        return Response(status_code=302, headers=headers)


def missing(code: str) -> Response:
    return Response(status_code=404, headers={"X-Error-Code": code})


def large(path: str) -> bool:
    """Whether the Hub keeps such a file apart from git."""
    return path.endswith((".safetensors", ".png", ".jpg"))


def oid(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A Hub that answers as long as the context is open."""
    hub, port = Hub(), free_port()
    hub.address = f"http://127.0.0.1:{port}"
    server = uvicorn.Server(uvicorn.Config(hub.app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    try:
        yield hub
    finally:
        server.should_exit = True
        thread.join()
