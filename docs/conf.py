"""Documentation site: `make site` builds it into site/ from the Markdown of the repository; nothing comes from the net.

Sphinx, because mkdocs has had no release since 2024, and mkdocs-material has only been promised repairs until
November 2026. The search works from file://; from a server (`python -m http.server -d site`) it shows excerpts, too.
"""

import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow"))

from myomag import __version__  # noqa: E402

project = "myomag"
version = release = __version__
author = "The myomag authors"
copyright = author  # noqa: A001
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# The pages lie in the folders where the repository shows them, so that their links hold there and here.
root_doc = "docs/index"
include_patterns = ["docs/*.md", "benchmarks/*.md", "CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = [".*", "site", "demo", "workflow", "tests", "envs", "*.egg-info"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# Inventories of other projects lie on the net, so that only references into this one can be looked up.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!myomag).*"), ("py:.*", r"myomag\.(?!python|errors).*")]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False
default_role = "code"

html_theme = "furo"
html_title = f"myomag {__version__}"
html_math_renderer = "mathml"
html_additional_pages = {"index": "to_first_page.html"}
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False


def inline_math(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    translator.body.append(latex2mathml.tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def block_math(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula in a paragraph of its own."""
    formula = latex2mathml.tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="math">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Render formulas as MathML, which browsers draw without a script or a font of the net."""
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
