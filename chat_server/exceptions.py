"""Refusals of the whole server.

| code          | status | when                                                                     |
|---------------|--------|--------------------------------------------------------------------------|
| `too_big`     | 413    | a body over 1 MiB                                                        |
| `unavailable` | 503    | the database does not answer; nothing is known of the write: send again  |
"""

from rest_framework import status
from rest_framework.exceptions import APIException


class BodyTooBig(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_big"
    default_detail = "The body is over 1 MiB."


class Unavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "A part of the server is away. Send again with the same client_id."
