"""Every refusal of chat, for REST and the socket alike.

| class               | code                | status | come back?                                             |
|---------------------|---------------------|--------|--------------------------------------------------------|
| `NotFound` (DRF)    | `not_found`         | 404    | no: it is not there, or not yours to know of           |
| `PermissionDenied` (DRF) | `permission_denied` | 403 | no: you see it but may not                            |
| `NotEditable`       | `not_editable`      | 403    | no: a system or a deleted message                      |
| `DoesNotExist`      | `does_not_exist`    | 400    | with another `message_id`, `reply_to`, user …          |
| `Conflict`          | `conflict`          | 409    | with another `client_id`: this one said something else |
| `LastAdmin`         | `last_admin`        | 409    | after somebody else was made admin                     |
| `GroupFull`         | `group_full`        | 400    | after somebody left                                    |
| `Throttled` (DRF)   | `throttled`         | 429    | after `Retry-After` / `retry_after` seconds            |
| `Unavailable`       | `unavailable`       | 503    | at once, with the same `client_id`                     |

On the socket only:

| class            | code                            | closes | come back?                           |
|------------------|---------------------------------|--------|--------------------------------------|
| `InvalidFrame`   | `invalid_frame`, `invalid_json` | after 20 in a row: 4400 | with a frame as it should be |
| `UnknownType`    | `unknown_type`                  | the same | with a type that there is          |
| `TooBig`         | `too_big`                       | 4413   | no                                   |
| `TooManySockets` | `too_many_sockets`              | 4409   | after another socket was closed      |
"""

from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, PermissionDenied, ValidationError

# All that an `error` frame may have; what only REST says is `invalid` there.
ERROR_CODES = frozenset(
    {
        "not_authenticated",
        "not_found",
        "permission_denied",
        "invalid_json",
        "invalid_frame",
        "unknown_type",
        "required",
        "blank",
        "max_length",
        "invalid",
        "does_not_exist",
        "conflict",
        "throttled",
        "unavailable",
        "too_many_sockets",
        "too_big",
    }
)


class NotEditable(PermissionDenied):
    default_code = "not_editable"
    default_detail = "System messages and deleted messages stay as they are."


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "This client_id was used for another message of yours in this conversation."


class LastAdmin(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "last_admin"
    default_detail = "A group always has an admin: make somebody else one first."


class DoesNotExist(ValidationError):
    """The value of one input field names nothing that the caller can see."""

    def __init__(self, attr: str, detail: str) -> None:
        super().__init__({attr: [ErrorDetail(detail, code="does_not_exist")]})


class GroupFull(ValidationError):
    def __init__(self, attr: str, limit: int) -> None:
        super().__init__({attr: [ErrorDetail(f"A group has at most {limit} participants.", code="group_full")]})


class InvalidFrame(ValidationError):
    default_code = "invalid_frame"


class UnknownType(ValidationError):
    default_code = "unknown_type"
    default_detail = "There is no such type of frame."


class TooBig(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_big"
    default_detail = "A frame has at most 64 KiB."


class TooManySockets(APIException):
    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "too_many_sockets"
    default_detail = "You have too many sockets open."
