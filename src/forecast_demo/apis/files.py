"""Simulated networks that serve whole files: listings, conditional requests, and files that change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.fake import FakeNetwork, Served
from forecast_demo.apis.world import World


@dataclass(slots=True)
class FakeFiles:
    """The files of all networks. Those in `replaced` have another content (by path), those in `hidden` are missing."""

    world: World
    networks: Iterable[FakeNetwork]
    replaced: dict[str, bytes] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    _made: dict[tuple[str, tuple[object, ...]], bytes] = field(default_factory=dict)

    def answer(self, path: str, headers: Mapping[str, str], now: float, base: str) -> Answer | None:
        """The response to a GET, or None if the path does not belong to a network with files."""
        for network in self.networks:
            if network.catalogue and path == network.catalogue:
                return self._catalogue(network, now, base)
            if network.folder and path.startswith(network.folder):
                return self._file(path, dict(self._tree(network, now)), headers)
        return None

    def _file(self, path: str, tree: Mapping[str, Served], headers: Mapping[str, str]) -> Answer:
        if path.endswith("/"):
            return self._folder(path, tree)
        if path not in tree:
            return Answer(404, b"not found")
        content, modified = self._content(path, tree[path]), tree[path].modified
        tag = f'"{modified:x}-{len(content):x}"'
        about = {"ETag": tag, "Last-Modified": format_datetime(datetime.fromtimestamp(modified, UTC), usegmt=True)}
        since = headers.get("if-modified-since")
        if headers.get("if-none-match") == tag or (
            "if-none-match" not in headers and since and parsedate_to_datetime(since).timestamp() >= modified
        ):
            return Answer(304, b"", about)
        return Answer(200, content, about)

    def _content(self, path: str, served: Served) -> bytes:
        if path in self.replaced:
            return self.replaced[path]
        made = self._made.get((path, served.version))
        if made is None:
            made = self._made[path, served.version] = served.content()
        return made

    def _folder(self, path: str, tree: Mapping[str, Served]) -> Answer:
        lines = ['<a href="../">../</a>', '<a href="?C=M;O=A">Last modified</a>']
        for name, served in sorted(tree.items()):
            if name.rpartition("/")[0] + "/" != path:
                continue
            own, size = name.rpartition("/")[2], len(self._content(name, served))
            time = datetime.fromtimestamp(served.modified, UTC)
            lines.append(f'<a href="{own}">{own}</a>{time:%d-%b-%Y %H:%M:%S}{size:>20}'.replace("</a>", "</a>   "))
        return Answer(200, f"<html><body><pre>{chr(10).join(lines)}</pre></body></html>".encode())

    def _catalogue(self, network: FakeNetwork, now: float, base: str) -> Answer:
        resources: list[dict[str, object]] = [
            {"title": "Fields", "url": f"{base}{network.folder}fields.csv", "last_modified": "2024-01-01"}
        ]
        for path, served in self._tree(network, now):
            time = datetime.fromtimestamp(served.modified, UTC)
            resources.append({"title": path, "url": f"{base}{path}", "last_modified": time.isoformat()})
        return as_json(200, {"id": network.catalogue.split("/")[-2], "resources": resources})

    def _tree(self, network: FakeNetwork, now: float) -> Iterator[tuple[str, Served]]:
        if network.tree is not None:
            yield from ((path, served) for path, served in network.tree(self.world, now) if path not in self.hidden)
