"""SQL for many rows at once: one round trip, whatever their number, on PostgreSQL and on SQLite.

The ORM builds its SQL anew each time, and for an update of many rows a CASE for each of them: that was most of what a
message cost (docs/decisions/017). These are for the few statements that every message needs.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson
from django.db import connection

Row = Sequence[Any]

POSTGRESQL = {"for_update": "FOR UPDATE SKIP LOCKED", "wait_for_update": "FOR UPDATE", "json": "jsonb"}
SQLITE = {"for_update": "", "wait_for_update": "", "json": "text"}


class Statement:
    """SQL over a table `given`: the rows that are given to `run`, with these columns, by their type in PostgreSQL.

    PostgreSQL gets an array for each column, SQLite all rows as one JSON text, so that the SQL is always the same; a
    value is an integer, a text, a moment or None. Of several parts, which must not depend on each other, the first is
    what is returned. `{for_update}` locks the rows that nobody else holds, `{wait_for_update}` all (SQLite has one lock
    anyway), `{json}` is the type of a JSON column, `{returning}` goes before the columns at the end that are to be
    returned, if it can be.
    """

    def __init__(self, columns: dict[str, str], *parts: str) -> None:
        self.columns, self.parts = columns, parts

    def run(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """What it returns."""
        given = self._given(rows)
        with connection.cursor() as cursor:
            for text in reversed(self._texts):
                cursor.execute(text, given)
            return cursor.fetchall() if cursor.description else []

    @cached_property
    def _texts(self) -> list[str]:
        names = ", ".join(self.columns)
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in self.columns.values())
            values, words = f"SELECT * FROM unnest({arrays})", POSTGRESQL  # of names in the code only  # nosec B608
        else:
            columns = ", ".join(f"json_extract(value, '$[{number}]')" for number in range(len(self.columns)))
            values, words = f"SELECT {columns} FROM json_each(%s)", SQLITE  # of numbers only  # nosec B608
        # SQLite before 3.35 returns nothing, and takes the columns for a comment.
        returning = "RETURNING" if connection.features.can_return_rows_from_bulk_insert else "--"
        given = f"WITH given({names}) AS ({values})"
        first, *others = (part.format(**words, returning=returning) for part in self.parts)
        if connection.vendor == "postgresql":
            beside = "".join(f", part{number} AS ({part})" for number, part in enumerate(others))
            return [f"{given}{beside} {first}"]
        return [f"{given} {part}" for part in (first, *others)]

    def _given(self, rows: Sequence[Row]) -> list[Any]:
        if connection.vendor == "postgresql":
            return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in self.columns]
        return [orjson.dumps([list(row) for row in rows]).decode()]
