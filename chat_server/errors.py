"""How a refusal looks from outside: one body for every REST error, and the code and text of it for the socket."""

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
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


def as_api_exception(error: Exception) -> APIException | None:
    """The refusal that an exception means to a client; None where it means a fault of ours."""
    if isinstance(error, APIException):
        return error
    if isinstance(error, OperationalError | InterfaceError):  # psycopg_pool's PoolTimeout is one too
        logger.error("the database does not answer: %s", type(error).__name__)
        return Unavailable()
    if isinstance(error, SuspiciousOperation):  # over a thousand query parameters, say
        return ParseError("The request is not valid.")
    # A row that this one needs went at the same moment: the next try is told so.
    if isinstance(error, IntegrityError) and "foreign key" in str(error).lower():
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


def _error(request: HttpRequest, code: int, name: str, detail: str, fallback: Any) -> HttpResponse:
    if not request.path.startswith("/api/"):
        return fallback
    kind = "server_error" if code >= 500 else "client_error"
    return JsonResponse({"type": kind, "errors": [{"code": name, "detail": detail, "attr": None}]}, status=code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400 (a Host that is not allowed, say), in our shape under /api/."""
    return _error(request, 400, "invalid", "The request is not valid.", defaults.bad_request(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500, in our shape under /api/."""
    return _error(request, 500, "error", "Something went wrong here.", defaults.server_error(request))
