"""The files of the page, all read before anything is served: no request ever reaches the disk."""

from importlib.resources import files
from pathlib import PurePath

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}


def page_files() -> dict[str, tuple[str, bytes]]:
    """Return kind and content of each file by the path at which it is served."""
    folder = files("rt_render.app.web") / "static"
    found = {
        f"/static/{file.name}": (KINDS[PurePath(file.name).suffix], file.read_bytes())
        for file in folder.iterdir()
        if PurePath(file.name).suffix in KINDS
    }
    return {**found, "/": found["/static/index.html"]}
