"""YAML: what a text means, what is refused, and that what is written is read back."""

import math
from pathlib import Path

import pytest
import yaml

from myomag.settings.yaml_text import entries, parse_yaml, read_yaml, yaml_text, yaml_value
from settings_text import refusal, written

BROKEN = {
    "not YAML": ("fit: {begin_time_us: 1", "not valid YAML"),
    "tab": ("fit:\n\tbegin_time_us: 1", "line 2"),
    "not UTF-8": (b"report: {title: \xff}", "not valid YAML"),
    "a list": ("- fit\n", "found list"),
    "a word": ("fit", "found str"),
    "key twice": ("fit:\n  begin_time_us: 1\nqc: {}\nfit:\n  fit_begin_time: false\n", "line 4: fit is given twice"),
    "key twice below": ("qc:\n  min_snr: 1\n  min_snr: 2\n", "line 3: min_snr is given twice"),
    "list for a key": ("? [fit]\n: 1\n", "not valid YAML"),
    "object": ("fit: !!python/object/apply:os.system [true]", "not valid YAML"),
    "deep": ("[" * 100_000, "not valid YAML"),
    "NUL": (b"fit: \x00", "not valid YAML"),
    "alias": ("qc: &a {min_snr: 1}\nfit: *a\n", "line 2: the alias *a is not supported"),
    "half a character": ('qc: {}\nreport: {title: "\\ud800"}\n', "line 2: contains half a character"),
    "number no file holds": (f"\nbatches: {2**64}\n", "line 2: a number is too large"),
    "nothing behind a tag": ("batches: !!int\n", "does not match its tag"),
    "two documents": ("qc: {}\n---\nqc: {}\n", "single document"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_one_line_with_its_name(case: str, tmp_path: Path) -> None:
    text, part = BROKEN[case]
    message = refusal(written(tmp_path / "myomag.yaml", text))
    assert message.startswith("myomag.yaml: ")
    assert part in message
    assert "\n" not in message


MEANING = {
    "yes": True,
    "off": False,
    "~": None,
    "1e-3": "1e-3",
    "1.0e-3": 0.001,
    "-.5": "-.5",
    "010": 8,
    "1_000": 1000,
    "1:30": 90,
    ".inf": math.inf,
    "!!str 5": "5",
    "{a: {<<: {b: 1}}}": {"a": {"b": 1}},
}


@pytest.mark.parametrize("text", MEANING)
def test_text_means_what_it_means_to_snakemake(text: str) -> None:
    assert parse_yaml(text) == MEANING[text] == yaml.safe_load(text)


@pytest.mark.parametrize("text", [*MEANING, "1e3", "08", "2001-01-01", "a: b", " x", "µs\u2028", "'", "<<", "", "#"])
def test_text_is_read_back_as_it_was_written(text: str, tmp_path: Path) -> None:
    content = {"report": {"title": text, text: [text]}}
    path = written(tmp_path / "config.yaml", yaml_text(content))
    assert read_yaml(path) == content
    assert parse_yaml(yaml_value(content)) == content
    assert "\n" not in yaml_value(content)


def test_every_key_has_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "x.yaml", "# a remark\nqc:\n  min_snr: 6\nlist: [{a: 1}]\n")
    assert list(entries(path)) == [
        (("qc",), {"min_snr": 6}, 2),
        (("qc", "min_snr"), 6, 3),
        (("list",), [{"a": 1}], 4),
    ]
