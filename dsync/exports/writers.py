"""Writers of one table as CSV, xlsx or Parquet, in constant memory."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from unicodedata import normalize

import msgspec

from dsync.domain.dossier import PARIS
from dsync.errors import ConfigurationError, remedy
from dsync.exports.view_tables import Columns, ExportTable

_READ_OTHERWISE = re.compile(
    r"\s*(?:[=+\-@|%€$.,(\d]|(?:vrai|faux|true|false)\s*$"
    r"|(?:janv|f[eé]v|mars|avr|mai|juin|juil|ao[uû]t|sept|oct|nov|d[eé]c)\w*\.?[\s/.-]*\d)",
    re.IGNORECASE,
)
"""What a French spreadsheet that opens a CSV file may take for a formula, a number or a day."""
_FORMULA = re.compile(
    r"([;\t\r\n][\s\"]*)(?=[=+\-@|\uff1d\uff0b\uff0d\uff20\uff5c])"
    r"(?![+-][0-9 .,\xa0\u202f]*(?:[;\t\r\n]|\Z))"
)
"""What a spreadsheet may take for a formula, after a break: a number with its sign is none.

An Excel in French ends a cell of a file with commas at a semicolon or a line break of its text."""
_LONGEST_CONSTANT = 255
"""Characters of a text in a formula."""
MAX_XLSX_ROWS = 1_048_575
"""Rows of a worksheet below its header."""
MAX_XLSX_TEXT = 32_767
"""Characters of a cell."""
FIRST_XLSX_YEAR = 1900
"""Before it a spreadsheet has no dates: they are texts, as CSV has them."""
CUT_SIGN = "… [coupé à 32 767 caractères]"
DIGITS = 15
"""Digits of a number that a spreadsheet keeps."""
GROUP_BYTES = 1024 * 1024
"""Least size of a group of rows in a Parquet file, uncompressed. The list of a file's groups is in
memory until the file is complete, and would grow with the dossiers by one for each batch."""
_NONE, _QUOTE = type(None), '"'
WIDTHS = {"text": 28, "json": 28, "datetime": 20}
"""Least width of a column in characters, by type. Excel shows « #### » for a date in less."""


class Writer(Protocol):
    """Writes one table into a file."""

    takes_texts: bool
    """Whether it writes days and instants as the ISO texts that SQLite gives."""
    cut: int
    """Texts that are longer than a cell of the format, whose end says so."""

    def write(self, columns: Columns) -> None:
        """Append rows."""

    def close(self) -> None:
        """Complete the file."""


class CsvWriter:
    """CSV in UTF-8 with a byte order mark, by which Excel recognises the encoding.

    A French one is for an Excel in French, which expects the semicolon, its own form of numbers,
    days and booleans, and the time of Paris; what it would take for something else than the text
    that it is, is a formula with this text. In the other one an apostrophe stands before what would
    be a formula. A raw one, without the mark, has texts as they are, for programs alone.
    """

    cut = 0

    def __init__(
        self, path: Path, table: ExportTable, *, french: bool = False, raw: bool = False
    ) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        if not raw:
            self._file.write("\ufeff")
        self._is_raw = raw
        self._delimiter = ";" if french else ","
        self._is_french = french
        self._text = _french_text if french else _csv_text
        self._json = {place for place in _json_places(table) if french}
        self.takes_texts = not french
        self._write([self._column([name]) for name in table.columns])

    def write(self, columns: Columns) -> None:
        """Append rows."""
        # By columns, and not by `csv.writer`, which takes twice as long to look at each value.
        cells = [
            self._column([*map(_in_words, values)] if place in self._json else values)
            for place, values in enumerate(columns)
        ]
        # A line without anything would be none.
        self._write(cells if cells[1:] else [[text or '""' for text in cells[0]]])

    def _write(self, cells: Sequence[Sequence[str]]) -> None:
        lines = map(self._delimiter.join, zip(*cells, strict=True))
        self._file.write("\r\n".join([*lines, ""]))

    def _column(self, values: Sequence[Any]) -> Sequence[str]:
        """Return the texts of a column's cells, quoted where they need it."""
        types = {*map(type, values)}
        is_number = types <= ({int, _NONE} if self._is_french else {int, float, _NONE})
        if is_number and not (self._is_french and any(map(_is_long, values))):
            if _NONE not in types:
                return [*map(str, values)]
            return ["" if value is None else str(value) for value in values]
        if types <= {str, _NONE}:
            texts = [value or "" for value in values] if _NONE in types else values
            if self._is_french:
                texts = [*map(_as_it_is, texts)]
            elif not self._is_raw and _has_formula(texts):
                texts = [*map(_defused, texts)]
        else:
            texts = ["" if value is None else self._text(value) for value in values]
        whole, delimiter = "".join(texts), self._delimiter
        # Not by a pattern, nor by a function for each text, which take twice as long.
        if not (_QUOTE in whole or delimiter in whole or "\n" in whole or "\r" in whole):
            return texts
        return [
            f'"{one.replace(_QUOTE, _QUOTE * 2)}"'
            if _QUOTE in one or delimiter in one or "\n" in one or "\r" in one
            else one
            for one in texts
        ]

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


def _json_places(table: ExportTable) -> list[int]:
    return [place for place, one in enumerate(table.columns.values()) if one.type == "json"]


def _in_words(document: str | None) -> str | None:
    """Return several choices as « a ; b », files by their names; other JSON as it is."""
    parts = None if document is None else msgspec.json.decode(document)
    if not isinstance(parts, list):
        return document
    names = [part.get("nom") if isinstance(part, dict) else part for part in parts]
    texts = [name for name in names if isinstance(name, str)]
    return " ; ".join(texts) if len(texts) == len(names) else document


def _csv_text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            return f"{value.isoformat()[:19]}Z"
        case _:
            return _number_text(value)


def _french_text(value: Any) -> str:
    match value:
        case str():
            return _as_it_is(value)
        case bool():
            return "VRAI" if value else "FAUX"
        case datetime():
            try:
                at = value.astimezone(PARIS)
            except OverflowError:  # In the last hour of the year 9999.
                at = value
            return f"{at.day:02}/{at.month:02}/{at.year:04} {at.hour:02}:{at.minute:02}"
        case date():
            return f"{value.day:02}/{value.month:02}/{value.year:04}"
        case _:
            text = _number_text(value).removesuffix(".0").replace(".", ",")
            # Rounded by a spreadsheet, a number of so many digits would be another one.
            return _as_it_is(text) if _is_long(value) else text


def _as_it_is(text: str) -> str:
    """Return a text in a form in which a spreadsheet shows it letter by letter.

    Line breaks at its ends, and spaces there, are left out where it would else be a number or a
    formula: then none is left to what a version of a spreadsheet makes of them.
    """
    # A full-width sign of equality begins a formula, too.
    if not _READ_OTHERWISE.match(text if text.isascii() else normalize("NFKC", text)):
        return text
    # LibreOffice 7.4 reads a number in « 12 » with a line break at its end.
    line = text.strip() if {"\n", "\r"} & {*text} else text
    if len(line) <= _LONGEST_CONSTANT and not {"\n", "\r"} & {*line}:
        return f'="{line.replace(_QUOTE, _QUOTE * 2)}"'
    # No number or day is so long, or has several lines.
    return _defused(text)


def _has_formula(texts: Sequence[str]) -> bool:
    whole = "\n".join(["", *texts])
    return bool(_FORMULA.search(whole)) or "\n\t" in whole or "\n\r" in whole


def _defused(text: str) -> str:
    """Return a text with an apostrophe before what would be a formula; it ends one."""
    made = _FORMULA.sub(r"\1'", f"\n{text}")[1:]
    return f"'{made}" if made.startswith(("\t", "\r")) else made


def _number_text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _is_long(value: Any) -> bool:
    """Return whether an exact number has more digits than a spreadsheet keeps."""
    if isinstance(value, Decimal):
        return len(value.as_tuple().digits) > DIGITS
    return isinstance(value, int) and abs(value) >= 10**DIGITS


def workbook(path: Path, *, day: str, constant_memory: bool) -> Any:
    """Return a new xlsxwriter workbook, in which texts of applicants stay texts.

    `day` is the format of days. In constant memory, rows go to a file as they are written, one for
    each sheet.
    """
    from xlsxwriter import Workbook

    options = {
        "constant_memory": constant_memory,
        "tmpdir": str(path.parent),
        # A formula or a link would act in the reader's spreadsheet.
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
        "default_date_format": day,
    }
    return Workbook(str(path), options)


def write_cell(sheet: Any, row: int, place: int, value: Any, form: Any = None) -> None:
    """Write a value into a cell by its type; `form` is the format of an instant."""
    match value:
        case None:
            pass
        case bool():
            sheet.write_boolean(row, place, value)
        case date() if value.year < FIRST_XLSX_YEAR:
            instant = value.astimezone(UTC) if isinstance(value, datetime) else value
            sheet.write_string(row, place, _csv_text(instant))
        case datetime():
            sheet.write_datetime(row, place, value, form)
        case date():
            sheet.write_datetime(row, place, value)
        case int() | float() | Decimal():
            if _is_long(value):
                sheet.write_string(row, place, _number_text(value))
            else:
                sheet.write_number(row, place, value)
        case _:
            sheet.write_string(row, place, _cut(value))


class XlsxWriter:
    """A workbook: typed cells, lists in words, a frozen header with filters, no formulas.

    Instants are shown as given, because cells have no time zone. After a full sheet comes another
    one. `day` and `instant` are formats.
    """

    takes_texts = False
    cut = 0

    def __init__(
        self,
        path: Path,
        table: ExportTable,
        *,
        day: str = "yyyy-mm-dd",
        instant: str = "yyyy-mm-dd hh:mm:ss",
    ) -> None:
        self._table = table
        self._json = {*_json_places(table)}
        self._sheets = 0
        self._book = workbook(path, day=day, constant_memory=True)
        self._instant = self._book.add_format({"num_format": instant})
        self._header = self._book.add_format({"bold": True, "bg_color": "#E3E3FD"})
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self._sheets += 1
        self._rows = 0
        number = f" {self._sheets}" if self._sheets > 1 else ""
        # A sheet's name has 31 characters at most.
        self._sheet = self._book.add_worksheet(self._table.name[: 31 - len(number)] + number)
        self._sheet.freeze_panes(1, 0)
        for place, (name, one) in enumerate(self._table.columns.items()):
            self._sheet.set_column(place, place, max(len(name) + 4, WIDTHS.get(one.type, 12)))
            self._sheet.write_string(0, place, name, self._header)

    def write(self, columns: Columns) -> None:
        """Append rows."""
        for row in zip(*columns, strict=True):
            if self._rows == MAX_XLSX_ROWS:
                self._end_sheet()
                self._begin_sheet()
            self._rows += 1
            for place, value in enumerate(row):
                shown = _in_words(value) if place in self._json else value
                self.cut += isinstance(shown, str) and _is_too_long(shown)
                write_cell(self._sheet, self._rows, place, shown, self._instant)

    def _end_sheet(self) -> None:
        self._sheet.autofilter(0, 0, self._rows, len(self._table.columns) - 1)

    def close(self) -> None:
        """Complete the file.

        Raises:
            OSError: it cannot be written.
        """
        from xlsxwriter.exceptions import FileCreateError

        self._end_sheet()
        try:
            self._book.close()
        except FileCreateError as exc:
            raise exc.args[0] from exc


def _is_too_long(text: str) -> bool:
    # Excel counts in UTF-16: a character outside the first plane counts twice.
    is_long = len(text) > MAX_XLSX_TEXT // 2
    return is_long and len(text.encode("utf-16-le")) // 2 > MAX_XLSX_TEXT


def _cut(text: str) -> str:
    if not _is_too_long(text):
        return text
    # `ignore` drops half a character at the end.
    kept = text.encode("utf-16-le")[: 2 * (MAX_XLSX_TEXT - len(CUT_SIGN))]
    return kept.decode("utf-16-le", "ignore") + CUT_SIGN


class ParquetWriter:
    """A Parquet file with typed columns; instants are timestamps in UTC."""

    takes_texts = False
    cut = 0

    def __init__(self, path: Path, table: ExportTable) -> None:
        # Arrow's own allocator keeps what it frees; it is chosen when Arrow is loaded.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as exc:
            raise ConfigurationError(
                f"Parquet needs pyarrow: {remedy('export')}, or use --format csv or xlsx."
            ) from exc
        kinds = {
            "integer": pyarrow.int64(),
            "number": pyarrow.float64(),
            "boolean": pyarrow.bool_(),
            "date": pyarrow.date32(),
            "datetime": pyarrow.timestamp("us", tz="UTC"),
        }
        self._arrow = pyarrow
        self._schema = pyarrow.schema(
            [
                pyarrow.field(name, kinds.get(one.type, pyarrow.string()), metadata=said)
                for name, one in table.columns.items()
                for said in ({"description": one.said},)
            ]
        )
        self._file = parquet.ParquetWriter(path, self._schema)
        self._waiting: list[Any] = []

    def write(self, columns: Columns) -> None:
        """Append rows."""
        arrays = [
            self._arrow.array(
                [value if value is None else float(value) for value in values]
                if field.type == "double"
                else values,
                type=field.type,
            )
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._waiting.append(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        if sum(table.nbytes for table in self._waiting) >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Complete the file."""
        if self._waiting:
            self._write_group()
        self._file.close()

    def _write_group(self) -> None:
        self._file.write_table(self._arrow.concat_tables(self._waiting))
        self._waiting = []
