"""Make the pictures of the documentation anew: python docs/pictures.py (needs Chromium).

A demo is simulated and run in a temporary folder, and its pages are opened as a reader would.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "browser"))

from chromium import Page, browser_page, find_chromium  # noqa: E402

PICTURES = Path(__file__).parent / "pictures"
MYOMAG = [sys.executable, "-c", "import sys; sys.argv[0] = 'myomag'; from myomag.cli import main; main()"]
COLOURS = 64
"""A page has few: with a palette a picture takes a third of its bytes."""
MARGIN = 16


def main() -> None:
    """Make all pictures."""
    executable = find_chromium()
    if executable is None:
        sys.exit("no Chromium found: set CHROMIUM or install chromium")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # 120 participants, so that the report has something to say.
        _run(folder, "demo", "study", "--participants", "120")
        _run(folder, "run", "study")
        report = folder / "study" / "derivatives" / "myomag" / "report"
        with browser_page(executable, folder / "profile") as page:
            _picture(page, report / "index.html", "report.png", (".answers",), width=1200)
            _picture(page, report / "sub-002.html", "scan.png", ("figure.spectrum",), width=1100)


def _run(folder: Path, *arguments: str) -> None:
    # Exit code 1: the demo has scans that are broken on purpose.
    done = subprocess.run([*MYOMAG, *arguments], cwd=folder, check=False)  # noqa: S603
    if done.returncode > 1:
        sys.exit(done.returncode)


def _picture(page: Page, path: Path, name: str, selectors: tuple[str, ...], width: int) -> None:
    """Parts of a page that is so wide, one beside the other."""
    page.open(path, width=width)
    page.wait_for("true")
    page.screenshot(PICTURES / name)
    with Image.open(PICTURES / name) as taken:
        parts = [taken.convert("RGB").crop(_place(page, selector)) for selector in selectors]
    height = max(part.height for part in parts) + 2 * MARGIN
    picture = Image.new("RGB", (sum(part.width + MARGIN for part in parts) + MARGIN, height), "white")
    left = MARGIN
    for part in parts:
        picture.paste(part, (left, (height - part.height) // 2))
        left += part.width + MARGIN
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)


def _place(page: Page, selector: str) -> tuple[int, ...]:
    """Left, top, right and bottom of an element [px]."""
    found = page.evaluate(
        "(({left, top, right, bottom}) => [left, top + scrollY, right, bottom + scrollY])"
        f"(document.querySelector('{selector}').getBoundingClientRect())"
    )
    return tuple(int(end) for end in found)


if __name__ == "__main__":
    main()
