"""What a reader finds in an HTML page, by the standard library's parser: tables, texts, links, headings."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "img", "link"}


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None]
    children: list["Node | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def find(self, tag: str, **attributes: str) -> list["Node"]:
        found = []
        for child in self.children:
            if isinstance(child, Node):
                if child.tag == tag and all(child.attributes.get(key) == value for key, value in attributes.items()):
                    found.append(child)
                found += child.find(tag, **attributes)
        return found

    def everything(self) -> list["Node"]:
        inner = [child for child in self.children if isinstance(child, Node)]
        return inner + [node for child in inner for node in child.everything()]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack = [Node("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        self.stack[-1].children.append(node)
        if tag not in VOID:
            self.stack.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].tag == tag, f"</{tag}> closes <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def parse(page: bytes) -> Node:
    """Tree of a page; a tag that is not closed in order is an error."""
    builder = _Builder()
    builder.feed(page.decode("utf-8"))
    builder.close()
    assert len(builder.stack) == 1, f"<{builder.stack[-1].tag}> is not closed"
    return builder.stack[0]


def table(root: Node, caption: str) -> list[list[str]]:
    """Cells of the table whose caption starts with `caption`, without the heading row."""
    for node in root.find("table"):
        if node.find("caption")[0].text.startswith(caption):
            rows = node.find("tbody")[0].find("tr")
            return [[cell.text for cell in row.children if isinstance(cell, Node)] for row in rows]
    raise AssertionError(f"no table {caption!r}")


def axis_labels(figure: Node) -> list[float]:
    """Tick labels of the horizontal axis, from left to right."""
    group = next(node for node in figure.find("g") if node.attributes.get("class") == "ticks x")
    marks = sorted((float(mark.attributes["x"] or ""), mark.text) for mark in group.find("text"))
    return [float(label.replace("\N{MINUS SIGN}", "-")) for _, label in marks]


def assert_self_contained(root: Node) -> None:
    """Nothing is loaded from anywhere, links stay beside the page, ids are unique, the page can be read aloud."""
    nodes = root.everything()
    assert not [node.tag for node in nodes if node.tag in {"link", "img", "iframe", "object", "embed", "base"}]
    for node in nodes:
        assert "src" not in node.attributes
        assert not [name for name in node.attributes if name.startswith("on")], node.attributes
        assert ":" not in (node.attributes.get("href") or ""), node.attributes
    for style in root.find("style"):
        assert "url(" not in style.text
        assert "@import" not in style.text
    ids = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    assert sorted(ids) == sorted(set(ids))
    anchors = [href for node in nodes if (href := node.attributes.get("href") or "").startswith("#")]
    assert {anchor[1:] for anchor in anchors} <= set(ids)
    assert root.find("html")[0].attributes["lang"] == "en"
    assert root.find("title")[0].text
    levels = [int(node.tag[1]) for node in nodes if node.tag in {"h1", "h2", "h3", "h4"}]
    assert levels.count(1) == 1
    for node in root.find("svg"):
        hidden = node.attributes.get("aria-hidden") == "true"
        role = "group" if node.find("a") else "img"
        assert hidden or (node.attributes.get("role") == role and node.attributes.get("aria-label"))
    for node in root.find("table"):
        assert node.find("caption")[0].text
        assert all(cell.attributes.get("scope") in {"row", "col", "rowgroup"} for cell in node.find("th"))
