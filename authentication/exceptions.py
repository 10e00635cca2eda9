"""Every refusal of this app that is not plain DRF.

| code                  | status | when                                                                  |
|-----------------------|--------|-----------------------------------------------------------------------|
| `token_not_valid`     | 401    | a bad, spent or expired token, or its session or its user is over     |
| `invalid_credentials` | 401    | a wrong password, an unknown address, a deactivated account           |
| `invalid`             | 400    | `old_password` is wrong                                               |
| `invalid_token`       | 400    | `token`: a reset token that is not (or no longer) ours                |
| `unique`              | 400    | `email` or `username` is taken                                        |
"""

from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError


class TokenNotValid(APIException):
    """It never says why."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "token_not_valid"
    default_detail = "The token is not valid, or no longer."
    auth_header = "Bearer"  # becomes WWW-Authenticate


class InvalidCredentials(APIException):
    """It never says which of the two was wrong."""

    status_code = status.HTTP_401_UNAUTHORIZED
    default_code = "invalid_credentials"
    default_detail = "No active account has this e-mail address and password."
    auth_header = "Bearer"


class WrongPassword(ValidationError):
    def __init__(self) -> None:
        super().__init__({"old_password": ["This is not your password."]}, code="invalid")


class InvalidResetToken(ValidationError):
    def __init__(self) -> None:
        super().__init__({"token": ["This link is not valid, or no longer. Ask for a new one."]}, code="invalid_token")


class Taken(ValidationError):
    def __init__(self, *fields: str) -> None:
        super().__init__({field: [f"A user with this {field} already exists."] for field in fields}, code="unique")
