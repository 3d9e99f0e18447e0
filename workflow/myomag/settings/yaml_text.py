"""Reading and writing YAML: the only module that uses the library.

PyYAML, as in Snakemake: a settings file must mean the same as myomag.yaml and by --configfile, and what is written must
read back unchanged.
"""

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import yaml

MAX_YAML_BYTES = 1_000_000
"""Settings, prior knowledge and calibrations are a few kB; anything larger is something else."""


class _Loader(yaml.SafeLoader):
    """YAML without its traps: duplicate keys (whose last value silently wins), aliases, text that no file can contain.

    Nested aliases can expand one line beyond any memory; half a character (a surrogate) cannot be written to a file.
    """

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError(f"line {_line(node)}: contains half a character (\\ud800…\\udfff)")
        return value

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        value = super().construct_yaml_int(node)
        if abs(value) > 2**63:
            raise ValueError(f"line {_line(node)}: a number is too large")
        return value

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            parser: Any = self
            event = parser.peek_event()
            raise ValueError(f"line {_line(event)}: the alias *{event.anchor} is not supported; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen and key.value != "<<":
                raise ValueError(f"line {_line(key)}: {key.value} is given twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def _line(place: Any) -> int:
    """Line of a node or event, counted from 1."""
    line: int = place.start_mark.line + 1
    return line


def parse_yaml(text: str) -> Any:
    """Content of a YAML text without duplicate keys or aliases.

    Raises
    ------
    ValueError
        Naming the line where the text is not YAML.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error
    except (LookupError, AttributeError, TypeError) as error:
        # PyYAML fails like this if a text does not match its tag, such as !!int with nothing after it.
        raise ValueError("a value does not match its tag (!!…); remove the tag") from error


def read_yaml(path: Path) -> Any:
    """Content of a YAML file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not a file, is too large or is not YAML.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is a directory, pipe or device, not a file")
    if path.stat().st_size > MAX_YAML_BYTES:
        raise ValueError(f"it is larger than {MAX_YAML_BYTES // 1000} kB")
    return parse_yaml(path.read_text(encoding="utf-8"))


def entries(path: Path) -> Iterator[tuple[tuple[str, ...], Any, int]]:
    """Keys from the outermost inwards, value and line of every entry of the mappings in a valid YAML file."""
    loader = _Loader(path.read_text(encoding="utf-8"))
    yield from _entries(loader, loader.get_single_node(), ())


def _entries(
    loader: _Loader, node: yaml.Node | None, above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, int]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        keys = (*above, str(key.value))
        yield keys, loader.construct_object(value, deep=True), _line(key)
        yield from _entries(loader, value, keys)


def yaml_text(content: Any) -> str:
    """A document as YAML."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def yaml_value(value: Any) -> str:
    """A value as YAML in one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).removesuffix("...\n").strip()
