"""Queries that are asked all the time.

Django makes the SQL of a queryset anew each time, which costs several times what asking does. Here it is made once, and
PostgreSQL plans it once for each connection (docs/decisions/016).
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, cast

import psycopg
from django.db import NotSupportedError, connection
from django.db.backends.postgresql.psycopg_any import get_adapters_template
from django.db.models import BooleanField, Expression, Func, QuerySet
from django.db.models.query import get_related_populators
from psycopg.adapt import AdaptersMap
from psycopg.types.datetime import TimestamptzLoader

Row = TypeVar("Row")


class Given(Expression):
    """In a queryset, a value that is known only when it is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class Among(Func):
    """Whether a column is one of a `Given` list of integers or of texts: one parameter, however many they are."""

    output_field = BooleanField()
    template, arg_joiner = "%(expressions)s)", " = ANY("

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="%(expressions)s))",
            arg_joiner=" IN (SELECT value FROM json_each(",
            **context,
        )


class Compiled(Generic[Row]):
    """`Compiled(build, "user", …)`: called with values of these names it answers the rows of `build(user, …)`.

    `build` makes the queryset of a `Given` for each; the rows are instances, or tuples where it says `values_list`.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, Any]], *names: str) -> None:
        self._build, self._names = build, names
        self._plan: tuple[str, tuple[Any, ...], _Shape] | None = None

    def __call__(self, **given: Any) -> list[Row]:
        sql, parameters, shape = self._plan or self._make_plan()
        values = [_adapted(given[each.name]) if type(each) is Given else each for each in parameters]
        try:
            rows = _rows(_cursor(), sql, values)
        except NotSupportedError:  # a migration changed a column: the old plan will not do on this connection any more
            rows = _rows(connection.cursor(), sql, values)
        return cast("list[Row]", shape(rows))

    def first(self, **given: Any) -> Row | None:
        """The first row, None where there is none."""
        rows = self(**given)
        return rows[0] if rows else None

    def _make_plan(self) -> tuple[str, tuple[Any, ...], "_Shape"]:
        queryset = self._build(*map(Given, self._names))
        compiler = queryset.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        self._plan = sql, parameters, _Shape(queryset, compiler)
        return self._plan


class _Shape:
    """Makes what the queryset would, of rows as the driver brings them."""

    def __init__(self, queryset: QuerySet[Any, Any], compiler: Any) -> None:
        columns = [column for column, *_ in compiler.select]
        self._converters = [(at, *each) for at, each in compiler.get_converters(columns).items()]
        self._info: Any = compiler.klass_info if queryset._fields is None else None  # type: ignore[attr-defined]
        if self._info is not None:
            start, end = self._info["select_fields"][0], self._info["select_fields"][-1] + 1
            self._own = slice(start, end)
            self._names = [column.target.attname for column in columns[self._own]]
            self._populators = get_related_populators(self._info, compiler.select, connection.alias)  # type: ignore[call-arg]

    def __call__(self, rows: list[Any]) -> list[Any]:
        if self._converters:
            rows = [self._converted(row) for row in rows]
        return rows if self._info is None else [self._instance(row) for row in rows]

    def _converted(self, row: Any) -> list[Any]:
        row = list(row)
        for at, converters, expression in self._converters:
            for converter in converters:
                row[at] = converter(row[at], expression, connection)
        return row

    def _instance(self, row: Any) -> Any:
        made = self._info["model"].from_db(connection.alias, self._names, row[self._own])
        for populator in self._populators:
            populator.populate(row, made)
        return made


def _adapted(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, list) and connection.vendor == "sqlite":
        return json.dumps(value)
    return value


@cache
def _adapters() -> AdaptersMap:
    """As Django has them, but with the driver's own, fast way to read a moment; connections are in UTC anyway."""
    adapters = AdaptersMap(get_adapters_template(True, connection.timezone))
    adapters.register_loader("timestamptz", TimestamptzLoader)
    return adapters


class _Cursor(psycopg.Cursor[Any]):
    @property
    def adapters(self) -> AdaptersMap:
        return _adapters()


def _rows(cursor: Any, sql: str, values: list[Any]) -> list[Any]:
    with cursor:
        cursor.execute(sql, values)
        return cast("list[Any]", cursor.fetchall())


def _cursor() -> Any:
    """Django's, but on PostgreSQL with parameters that go by themselves, so that the statement stays the same.

    Where statements are looked at they have their values in them, as all others.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:
        return connection.cursor()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection.make_cursor(_Cursor(connection.connection))  # type: ignore[arg-type]
