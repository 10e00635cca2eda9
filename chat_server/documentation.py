"""The API documentation: the page at `/api/` and the document at `/api/schema/`. What they say is in `openapi.py`."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class JSONRefusals(APIView):
    """A view that answers no JSON where all is well; its refusals are those of every other path."""

    content_negotiation_class = DefaultContentNegotiation

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        try:
            return super().perform_content_negotiation(request, force)
        except NotAcceptable:  # as everywhere: who accepts something else gets what there is
            return super().perform_content_negotiation(request, force=True)

    def handle_exception(self, exc: Exception) -> Response:
        renderer = JSONRenderer()
        self.request.accepted_renderer, self.request.accepted_media_type = renderer, renderer.media_type
        return super().handle_exception(exc)


@cache
def document() -> Any:
    """The OpenAPI document: made once, it takes a tenth of a second."""
    return SchemaGenerator().get_schema(public=True)


class Schema(JSONRefusals, SpectacularAPIView):
    """`/api/schema/`: YAML, or JSON for `?format=json` or `Accept: application/json`."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(document())


class Documentation(JSONRefusals, SpectacularSwaggerSplitView):
    """`/api/`: the document as a page to read and to try, made of our own static files."""

    template_name = "api.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        response.data["csrf_token"] = ""  # the API reads no cookie, so its page is not to set one
        return response
