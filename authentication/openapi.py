"""What the API documentation says of each call: one decorator for each operation of `views.py`, by the same name."""

from drf_spectacular.utils import OpenApiParameter, extend_schema

from chat_server.openapi import CURSOR, LIMIT, THROTTLED, answer, body, page, page_of, refusal

from .serializers import (
    CheckSessionSerializer,
    DetailSerializer,
    LoginInput,
    LoginResultSerializer,
    LogoutInput,
    PairSerializer,
    PasswordChangeInput,
    PasswordResetConfirmInput,
    PasswordResetInput,
    ProfileInput,
    ProfileSerializer,
    RefreshInput,
    RegisterInput,
    SessionSerializer,
    UserSerializer,
)

ADA = {
    "id": 7,
    "username": "ada",
    "display_name": "Ada Lovelace",
    "avatar": None,
    "is_online": True,
    "last_seen": "2026-01-01T00:00:00.000000Z",
}
ADA_PROFILE = {
    **ADA,
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "bio": "",
    "date_joined": "2025-12-01T00:00:00.000000Z",
}
PAIR = {"access": "eyJhbGciOi…", "refresh": "eyJhbGciOi…"}
SESSION = {
    "id": "kT0bZk3vQ1mXy7c2Rf9LwA8uHs5dJe4iNg6oPtVxBzY",
    "created_at": "2026-01-01T00:00:00.000000Z",
    "last_used_at": "2026-01-01T00:05:00.000000Z",
    "ip": "192.0.2.7",
    "user_agent": "Mozilla/5.0",
    "is_current": True,
}
LOGGED_IN = {**PAIR, "user": ADA_PROFILE}
CREDENTIALS = {"email": "ada@example.com", "password": "correct horse 42"}
TOO_COMMON = ("password_too_common", "This password is too common.")
NAME_TAKEN = refusal(400, "unique", "A user with this username already exists.", "username")

register = extend_schema(
    operation_id="register",
    tags=["auth"],
    summary="Register",
    description="Makes an account and logs it in. Two accounts never share an address or a username, compared without"
    " case. Counted by address: `THROTTLE_REGISTER`.",
    request=RegisterInput,
    responses={201: LoginResultSerializer},
    examples=[
        body("Ada registers", {**CREDENTIALS, "username": "ada"}),
        answer("Registered and logged in", LOGGED_IN, status=201),
        NAME_TAKEN,
        refusal(400, *TOO_COMMON, "password"),
        THROTTLED,
    ],
)
log_in = extend_schema(
    operation_id="log_in",
    tags=["auth"],
    summary="Log in",
    description="Opens a session. A wrong password, an unknown address and a deactivated account are the same 401 "
    "`invalid_credentials`. Failed attempts are counted by address, and by account and address: "
    "`THROTTLE_LOGIN`.",
    request=LoginInput,
    responses={200: LoginResultSerializer},
    examples=[
        body("Ada logs in", CREDENTIALS),
        answer("Logged in", LOGGED_IN),
        refusal(401, "invalid_credentials", "No active account has this e-mail address and password."),
        THROTTLED,
    ],
)
log_out = extend_schema(
    operation_id="log_out",
    tags=["auth"],
    summary="Log out",
    description="Ends this session, or with `all` every one of yours, at once: access token, refresh token, sockets. "
    "The body may be left out. A `refresh` that is not this session's is 400 and ends nothing.",
    request=LogoutInput,
    responses={204: None},
    examples=[
        body("Everywhere", {"all": True}),
        refusal(400, "invalid", "This is no refresh token of this session.", "refresh"),
    ],
)
profile = extend_schema(
    operation_id="get_profile",
    tags=["auth"],
    summary="Your profile",
    description="You, with what only you see.",
    responses={200: ProfileSerializer},
    examples=[answer("Ada, as she sees herself", ADA_PROFILE)],
)
put_profile = extend_schema(
    operation_id="put_profile",
    tags=["auth"],
    summary="Change your profile",
    description="`username` is needed; what else is left out stays as it is. The e-mail address is not changed here.",
    request=ProfileInput,
    responses={200: ProfileSerializer},
    examples=[
        body("Ada", {"username": "ada", "first_name": "Ada"}),
        answer("As it is now", ADA_PROFILE),
        NAME_TAKEN,
    ],
)
update_profile = extend_schema(
    operation_id="update_profile",
    tags=["auth"],
    summary="Change a part of your profile",
    description="What is left out stays as it is. The e-mail address is not changed here.",
    request=ProfileInput,
    responses={200: ProfileSerializer},
    examples=[
        body("A new bio", {"bio": "Enchantress of numbers"}),
        answer("As it is now", {**ADA_PROFILE, "bio": "Enchantress of numbers"}),
        NAME_TAKEN,
    ],
)
check_session = extend_schema(
    operation_id="check_session",
    tags=["auth"],
    summary="Am I logged in?",
    description="200 with you and the end of this access token, else 401.",
    responses={200: CheckSessionSerializer},
    examples=[answer("Yes", {"authenticated": True, "user": ADA_PROFILE, "expires_at": "2026-01-01T00:10:00.000000Z"})],
)
refresh = extend_schema(
    operation_id="refresh_tokens",
    tags=["auth"],
    summary="New tokens",
    description="Spends a refresh token for a new pair. A spent one that comes again ends the whole session: it was "
    "stolen, or sent twice. So never send one twice at once.",
    request=RefreshInput,
    responses={200: PairSerializer},
    examples=[
        body("Refresh", {"refresh": "eyJhbGciOi…"}),
        answer("New tokens", PAIR),
        refusal(401, "token_not_valid", "The token is not valid, or no longer."),
    ],
)
password_reset = extend_schema(
    operation_id="request_password_reset",
    tags=["auth"],
    summary="Ask for a password reset",
    description="The answer is the same whether or not the address is known; a mail goes out where it is. Counted by "
    "address and by the e-mail address named: `THROTTLE_PASSWORD_RESET`.",
    request=PasswordResetInput,
    responses={200: DetailSerializer},
    examples=[
        body("Ada forgot hers", {"email": "ada@example.com"}),
        answer("Known or not", {"detail": "If this address has an account, a mail with a link is on its way."}),
        THROTTLED,
    ],
)
password_reset_confirm = extend_schema(
    operation_id="reset_password",
    tags=["auth"],
    summary="Reset the password",
    description="Takes the token of the mailed link, once and for one hour; every session is then over. A password "
    "that will not do is 400 and leaves the token good.",
    request=PasswordResetConfirmInput,
    responses={200: DetailSerializer},
    examples=[
        body("A new password", {"token": "x3Yk9…", "new_password": "staple battery 7"}),
        answer("Changed", {"detail": "The password is changed. Log in with the new one."}),
        refusal(400, "invalid_token", "This link is not valid, or no longer. Ask for a new one.", "token"),
        refusal(400, *TOO_COMMON, "new_password"),
    ],
)
password_change = extend_schema(
    operation_id="change_password",
    tags=["auth"],
    summary="Change the password",
    description="Returns the tokens of a fresh session; every earlier one is over, this one too. A wrong old password"
    " counts as a failed login: `THROTTLE_LOGIN`.",
    request=PasswordChangeInput,
    responses={200: PairSerializer},
    examples=[
        body("Ada's", {"old_password": "correct horse 42", "new_password": "staple battery 7"}),
        answer("The tokens to go on with", PAIR),
        refusal(400, "invalid", "This is not your password.", "old_password"),
    ],
)
users = extend_schema(
    operation_id="list_users",
    tags=["auth"],
    summary="Find people",
    description="By username, without you and without inactive accounts. No e-mail addresses.",
    parameters=[
        OpenApiParameter(
            "search",
            {"type": "string", "maxLength": 100},
            description="The start of a word of the username or the name, without case.",
        ),
        LIMIT,
        CURSOR,
    ],
    responses={200: page_of(UserSerializer)},
    examples=[answer("One", page(ADA))],
)
user = extend_schema(
    operation_id="get_user",
    tags=["auth"],
    summary="One user",
    description="As everyone sees them; 404 for an inactive account.",
    responses={200: UserSerializer},
    examples=[answer("Ada", ADA)],
)
sessions = extend_schema(
    operation_id="list_sessions",
    tags=["auth"],
    summary="Where you are logged in",
    description="Your live sessions, newest first. `last_used_at` is right to the minute.",
    parameters=[LIMIT, CURSOR],
    responses={200: page_of(SessionSerializer)},
    examples=[answer("This one", page(SESSION))],
)
end_session = extend_schema(
    operation_id="end_session",
    tags=["auth"],
    summary="End a session",
    description="It is over at once, with its tokens and sockets; 404 where you have no such session.",
    responses={204: None},
)
