"""How a refusal looks from outside: one body for every REST error, and the code and text of it for the socket."""

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from drf_standardized_errors.formatter import flatten_errors
from drf_standardized_errors.handler import ExceptionHandler as StandardizedHandler
from rest_framework.exceptions import APIException, NotFound, ParseError, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .exceptions import Unavailable

logger = logging.getLogger(__name__)

FOREIGN_KEY_VIOLATION = "23503"  # PostgreSQL's; SQLite says it in words


def as_api_exception(error: Exception) -> APIException | None:
    """The refusal that an exception means to a client; None where it means a fault of ours."""
    if isinstance(error, APIException):
        return error
    # psycopg_pool's PoolTimeout is an OperationalError; a ProgrammingError is a database without our tables.
    if isinstance(error, OperationalError | InterfaceError | ProgrammingError):
        logger.error("the database does not answer: %s", type(error).__name__)
        return Unavailable()
    if isinstance(error, SuspiciousOperation):  # over a thousand query parameters, say
        return ParseError("The request is not valid.")
    # A row that this one needs went at the same moment: the next try is told so.
    if isinstance(error, IntegrityError) and (
        getattr(error.__cause__, "sqlstate", "") == FOREIGN_KEY_VIOLATION or "FOREIGN KEY" in str(error)
    ):
        return Unavailable()
    return None


def first_error(error: APIException) -> tuple[str, str]:
    """The code and the text of a refusal, in the words of the REST body, for an `error` frame."""
    first = flatten_errors(error.detail)[0]
    return first.code, f"{first.attr}: {first.detail}" if first.attr else first.detail


class ExceptionHandler(StandardizedHandler):
    """drf-standardized-errors', knowing of a database that is away."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        return as_api_exception(exc) or super().convert_known_exceptions(exc)

    def report_exception(self, exc: APIException, response: Response) -> None:
        if isinstance(exc, Unavailable):
            return  # one line was written; no traceback
        super().report_exception(exc, response)


def retry_after(error: APIException) -> float | None:
    """The seconds after which to come back, where the refusal says so."""
    return getattr(error, "wait", None) if isinstance(error, Throttled) else None


class UnknownPath(APIView):
    """Every path under /api/ that is nothing else."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound


def error_response(status: int, code: str, detail: str) -> JsonResponse:
    """A refusal in the shape of every other one, where REST framework does not make it."""
    kind = "server_error" if status >= 500 else "client_error"
    return JsonResponse({"type": kind, "errors": [{"code": code, "detail": detail, "attr": None}]}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400 (a Host that is not allowed, say), in our shape under /api/."""
    if request.path.startswith("/api/"):
        return error_response(400, "invalid", "The request is not valid.")
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500, in our shape under /api/."""
    if request.path.startswith("/api/"):
        return error_response(500, "error", "Something went wrong here.")
    return defaults.server_error(request)
