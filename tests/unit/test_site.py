"""The check of the built documentation."""

import runpy
from pathlib import Path

from running import REPOSITORY


def test_broken_links_anchors_and_what_is_loaded_from_the_net_are_named(tmp_path: Path) -> None:
    problems = runpy.run_path(str(REPOSITORY / "docs" / "check_site.py"))["problems"]
    good = '<h1 id="top">A</h1><a href="b.html#there">b</a><a href="https://example.org">elsewhere</a>'
    (tmp_path / "a.html").write_text(good)
    (tmp_path / "b.html").write_text('<p id="there"></p><img src="data:image/png;base64,"><a href="a.html#top">a</a>')
    (tmp_path / "style.css").write_text('p { background: url("x.png") }')
    assert problems(tmp_path) == []
    (tmp_path / "b.html").write_text(
        '<a href="a.html#no">x</a><a href="c.html">x</a><script src="https://example.org/x.js"></script>'
    )
    (tmp_path / "style.css").write_text("p { background: url(https://example.org/x.png) }")
    assert problems(tmp_path) == [
        "a.html: b.html#there: no such anchor",
        "b.html: a.html#no: no such anchor",
        "b.html: c.html: no such file in the site",
        "b.html: https://example.org/x.js: loaded from the net",
        "style.css: loads from the net",
    ]
