"""Check the built site as files: python docs/check_site.py FOLDER.

Every link and anchor into the site leads somewhere, and no page loads anything from the net.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src"), ("iframe", "src"), ("object", "data")}


class Page(HTMLParser):
    """Anchors, links and loaded files of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, bool]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag is named and where it leads."""
        for name, value in attrs:
            if name == "id" or (tag, name) == ("a", "name"):
                self.anchors.add(value or "")
            elif value and name in ("href", "src", "data"):
                self.links.append((value, (tag, name) in LOADED))


def problems(folder: Path) -> list[str]:
    """What is wrong with a site, one line each."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for link, loaded in page.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            where = f"{path.relative_to(folder)}: {link}"
            if parts.scheme or parts.netloc:
                found += [f"{where}: loaded from the net"] * (loaded and parts.scheme != "data")
            elif not target.is_file():
                found.append(f"{where}: no such file in the site")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{where}: no such anchor")
    for style in sorted(folder.rglob("*.css")):
        text = style.read_text(encoding="utf-8")
        found += [f"{style.relative_to(folder)}: loads from the net"] * any(
            mark in text for mark in ("url(http", 'url("http', "url('http", "url(//", "@import")
        )
    return found


def main() -> None:
    """Print the problems; exit code 1 if there are any."""
    folder = Path(sys.argv[1]).resolve()
    found = problems(folder)
    print("\n".join(found) or "Every link and anchor leads somewhere, and nothing is loaded from the net.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
