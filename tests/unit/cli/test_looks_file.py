"""A list of looks is read as spreadsheets save it, and what cannot be read is named by line, column and remedy."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from earlystop.cli.files.looks_file import REQUIRED, LooksError, read_file, read_lines

ROWS = [
    ["baseline", "1", "100", "2", "80", "20", "60000", "36000000"],
    ["candidate", "1", "100", "1", "79", "21", "30000", "9000000"],
]


def text(delimiter: str = ",", end: str = "\n", head: str = "", more: str = "") -> str:
    return head + end.join(delimiter.join(row) + more for row in [list(REQUIRED), *ROWS]) + end


def saved(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "looks.csv"
    path.write_bytes(content)
    return path


AS_SAVED = {
    "plain": text().encode(),
    "with a byte order mark": text().encode("utf-8-sig"),
    "with Windows' line ends": text(end="\r\n").encode("utf-8-sig"),
    "with semicolons": text(";", end="\r\n").encode("utf-8-sig"),
    "with tabs, in UTF-16": text("\t", end="\r\n").encode("utf-16"),
    "with a line that names the separator": text(";", head="sep=;\r\n").encode("utf-8-sig"),
    "with empty lines before the header": b"\xef\xbb\xbf\r\n,,,,,,,\r\n" + text(end="\r\n").encode(),
    "with an empty line after the one that names the separator": text(";", head="sep=;\r\n\r\n").encode(),
    "with characters that nobody sees before the header": ("\u200b" + text()).encode(),
    "with empty columns and lines": (text(more=",,") + ",,,,,,,,,\n\n").encode(),
    "with blanks": text(", ").encode(),
    "in quotes": "\n".join(",".join(f'"{cell}"' for cell in row) for row in [list(REQUIRED), *ROWS]).encode(),
}


@pytest.mark.parametrize("name", AS_SAVED)
def test_a_file_is_read_as_a_spreadsheet_saves_it(name: str, tmp_path: Path) -> None:
    lines = read_file(saved(tmp_path, AS_SAVED[name]))
    assert [(line.variant.value, line.look, line.counts["match"]) for line in lines] == [
        ("baseline", 1, 80),
        ("candidate", 1, 79),
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("80,0", "'80,0' is not a count; write a whole number from 0 to 2^53, without decimals"),
        ("80.0", "'80.0' is not a count; write a whole number from 0 to 2^53, without decimals"),
        ("60.000", "without separators of thousands"),
        ("1 060 000", "without separators of thousands"),
        ("1\u202f060", "without separators of thousands"),
        ("8e1", "'8e1' is not a count"),
        ("-1", "'-1' is not a count"),
        ("9" * 6000, "'" + "9" * 40 + "…' is not a count"),
        ("9007199254740993", "is not a count"),
        ("", "'' is not a count"),
    ],
)
def test_a_number_that_is_no_count_is_named_with_line_column_and_what_to_write(value: str, said: str) -> None:
    rows = text(";").replace(";80;", f";{value};")
    with pytest.raises(LooksError) as caught:
        read_lines(rows.splitlines(keepends=True), "looks.csv")
    assert "looks.csv, line 2, column match: " in str(caught.value) and said in str(caught.value)
    assert len(str(caught.value)) < 300


NO_CSV = [text().encode("utf-16-le"), text().encode("utf-32"), b"PK\x03\x04\x14\x00\x06\x00"]


@pytest.mark.parametrize("content", NO_CSV)
def test_a_file_that_is_no_csv_is_said_to_be_none_and_how_to_save_it(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(LooksError, match="a spreadsheet's own format or an encoding without its mark; save it as CSV"):
        read_file(saved(tmp_path, content))


def test_a_fault_is_named_by_its_line_also_after_empty_lines(tmp_path: Path) -> None:
    with pytest.raises(LooksError, match=r"looks\.csv, line 4, column match"):
        read_file(saved(tmp_path, b"\n\n" + text().replace(",80,", ",x,").encode()))


def test_a_count_may_have_zeros_before_it() -> None:
    rows = text().replace(",80,", "," + "0" * 5000 + "80,")
    assert read_lines(rows.splitlines(keepends=True), "looks.csv")[0].counts["match"] == 80


BROKEN = {
    "a field that is too long": (text() + "x" * (csv.field_size_limit() + 1), "line 4: it is no line of a CSV file"),
    "a NUL": (text() + "\x00,1", "line 4"),
    "Latin-1": (text().replace("baseline", "bäseline"), "line 2: the file is not UTF-8; save it as CSV in UTF-8"),
    "a column that is missing": (text().replace("failed", "match"), "line 1: the header lacks failed"),
    "a column twice": (text().replace("squared", "squared,match"), "line 1: the column match stands twice"),
    "an empty file": ("", "line 1: the header lacks variant"),
    "a value without a column": (text().replace("36000000", "36000000,5"), "line 2: the line has more"),
    "a value under an empty name": (text(more=",").replace("36000000,", "36000000,5"), "line 2: the line has more"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_named_in_a_sentence(name: str, tmp_path: Path) -> None:
    content, said = BROKEN[name]
    with pytest.raises(LooksError) as caught:
        read_file(saved(tmp_path, content.encode("latin-1")))
    assert str(caught.value).startswith("looks.csv, ") and said in str(caught.value)
    assert len(str(caught.value)) < 300
