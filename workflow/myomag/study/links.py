"""Links in a study: which may be followed, and whether their content is present (DataLad, git-annex, Git LFS)."""

import re
from pathlib import Path

_GITDIR = re.compile(r"gitdir:\s*(\S.*)")


class Links:
    """Links of one study.

    A link may point anywhere inside the study; outside it, only to an object in the annex of the study's own repository
    or of a superdataset above it, as its content was added to that repository.

    Parameters
    ----------
    root : Path
        The study, resolved.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._annexes: tuple[Path, ...] | None = None

    def leave(self, path: str) -> bool:
        """Whether a link points to what must not be read through the study, or is circular."""
        try:
            target = Path(path).resolve()
        except (OSError, RuntimeError):
            return True
        return not target.is_relative_to(self.root) and not self._is_object(target)

    def _is_object(self, target: Path) -> bool:
        """Whether a resolved path is an object in an annex; git-annex keeps each in a folder of the same name."""
        if self._annexes is None:
            self._annexes = annexes(self.root)
        inside = any(target.is_relative_to(annex) for annex in self._annexes)
        return inside and target.parent.name == target.name and not target.is_dir()


def annexes(root: Path) -> tuple[Path, ...]:
    """Folders of objects of the annexes of a study and of the superdatasets above it, resolved."""
    folders = [root, *root.parents]
    own = [folder / ".git" for folder in folders if (folder / ".git").is_dir() and not (folder / ".git").is_symlink()]
    # The repository of a subdataset is inside that of the superdataset, with a link or a file in its place.
    modules = [place / "modules" for place in own]
    placed = [found for folder in folders if (found := _elsewhere(folder / ".git")) is not None]
    repositories = own + [found for found in placed if any(found.is_relative_to(place) for place in modules)]
    return tuple((place / "annex" / "objects").resolve() for place in repositories)


def _elsewhere(git: Path) -> Path | None:
    """Repository named by a link or a file in place of `.git`, resolved."""
    try:
        if git.is_symlink():
            return git.resolve()
        named = _GITDIR.match(git.read_text(encoding="utf-8")) if git.is_file() else None
        return (git.parent / named[1].strip()).resolve() if named else None
    except (OSError, ValueError, RuntimeError):
        return None
