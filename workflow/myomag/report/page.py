"""Rendering of the templates into self-contained pages."""

import base64
import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from myomag.wording import text

if TYPE_CHECKING:
    from jinja2 import Environment

STYLES = ("style.css", "figure.css", "print.css")
TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(template: str, scripts: Sequence[str], styles: Sequence[str] = (), **context: Any) -> bytes:
    """Page from `templates/<template>` with the shared style, and `templates/<name>` of scripts and styles, inlined.

    The page carries a Content-Security-Policy that allows this style and these scripts by their digest and nothing
    else, so it cannot load or run anything even if a study smuggles markup into it.
    """
    css, javascript = _inline((*STYLES, *styles)), _inline(tuple(scripts))
    policy = f"default-src 'none'; style-src {_digest(css)}; script-src {_digest(javascript)}; base-uri 'none'"
    pieces = _environment().get_template(template).generate(css=css, script=javascript, policy=policy, **context)
    # Encoded in parts: as one text, a page of 10,000 scans takes four times its bytes.
    parts = iter(lambda: list(itertools.islice(pieces, 1000)), [])
    return b"".join("".join(part).encode("utf-8") for part in parts)


def local_link(path: str) -> str:
    """Relative link to a file of the derivative, its name quoted so that it cannot become another scheme."""
    return quote(path, safe="/-_.~")


def participant_link(participant_id: str) -> str:
    """Link from one page of the report to that of a participant."""
    return f"{quote(participant_id, safe='')}.html"


def scan_anchor(scan: str) -> str:
    """Name of the section of a scan in the page of its participant."""
    return re.sub(r"[^\w.-]", "-", scan, flags=re.ASCII)


def scan_link(row: Mapping[str, Any]) -> str:
    """Link from one page of the report to a scan in the page of its participant."""
    return f"{participant_link(str(row['participant_id']))}#{scan_anchor(str(row['scan']))}"


@cache
def _environment() -> "Environment":
    """Templates and filters, compiled once for all pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    for function in (text.text, text.plural, text.line_label, local_link, participant_link):
        environment.filters[function.__name__] = function
    return environment


@cache
def _inline(names: tuple[str, ...]) -> Markup:
    # Files of the package.
    return Markup("").join(Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in names)  # noqa: S704


@cache
def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode('utf-8')).digest()).decode('ascii')}'"
