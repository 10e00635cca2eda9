"""SQL for many rows at once: one statement, whatever their number, on PostgreSQL and on SQLite.

The ORM builds its SQL anew each time, and for an update of many rows by a CASE for each of them: that was most of what
a message cost (docs/decisions/016). These are for the few statements that every message needs.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson
from django.db import connection

Row = Sequence[Any]


class Statement:
    """SQL in which `{given}` is a table: of the rows given to `run`, with these columns, by their type in PostgreSQL.

    PostgreSQL gets an array for each column, SQLite all rows as one JSON text: the SQL is always the same.
    A row's values are integers, texts or None. `{for_update}` locks the free rows of the table that is called `locked`
    (on SQLite nothing: it has one lock for all), `{returning}` are columns to return, where that is possible, and
    `{json}` is the type of a JSON column.
    """

    def __init__(self, columns: dict[str, str], sql: str, *, returning: str = "") -> None:
        self.columns, self.sql, self.returning = columns, sql, returning

    @property
    def returns(self) -> bool:
        """Whether this database can return what was inserted."""
        return bool(self.returning) and connection.features.can_return_rows_from_bulk_insert

    def run(self, rows: Sequence[Row], *, before: Row = ()) -> list[tuple[Any, ...]]:
        """What the statement returns, nothing for no rows; `before` are the values of every `%s` before `{given}`."""
        if not rows:
            return []
        with connection.cursor() as cursor:
            cursor.execute(self._text, [*before, *self._given(rows)])
            return cursor.fetchall() if cursor.description else []

    @cached_property
    def _text(self) -> str:
        names = ", ".join(self.columns)
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in self.columns.values())
            given, lock, json = f"unnest({arrays}) AS given({names})", "FOR UPDATE OF locked SKIP LOCKED", "jsonb"
        else:
            values = ", ".join(
                f"json_extract(value, '$[{number}]') AS {name}" for number, name in enumerate(self.columns)
            )
            given, lock, json = f"(SELECT {values} FROM json_each(%s)) AS given", "", "text"
        returning = f"RETURNING {self.returning}" if self.returns else ""
        return self.sql.format(given=given, for_update=lock, json=json, returning=returning)

    def _given(self, rows: Sequence[Row]) -> list[Any]:
        if connection.vendor == "postgresql":
            return [list(column) for column in zip(*rows, strict=True)]
        return [orjson.dumps([list(row) for row in rows]).decode()]
