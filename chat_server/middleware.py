"""What Django's request lacks for REST framework."""

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from .errors import error_response
from .exceptions import BodyTooBig


class ChunkedBodies:
    """A body that came in chunks has a length like any other: REST framework takes one without for none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            try:
                request.META["CONTENT_LENGTH"] = str(len(request.body))
            except RequestDataTooBig:
                return error_response(413, BodyTooBig.default_code, BodyTooBig.default_detail)
        return self.get_response(request)
