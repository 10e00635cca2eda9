"""Parse, call one service, show the result."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from chat_server.pagination import KeysetPage, text_parameter

from . import services, tokens
from .models import User
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
    SessionPageSerializer,
    SessionSerializer,
    UserPageSerializer,
    UserSerializer,
)
from .throttling import client_address, take

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
LOGGED_IN = OpenApiExample("Logged in", {**PAIR, "user": ADA_PROFILE}, response_only=True, status_codes=["200", "201"])
NEW_PAIR = OpenApiExample("New tokens", PAIR, response_only=True, status_codes=["200"])
PROFILE = OpenApiExample("Ada, as she sees herself", ADA_PROFILE, response_only=True, status_codes=["200"])
LIMIT = OpenApiParameter("limit", int, description="1 to 100, 50 if left out; more is taken as 100.")
CURSOR = OpenApiParameter("cursor", str, description="Opaque; comes in `next` and `previous`.")


def validated(serializer: type[Serializer[Any]], request: Request, *, partial: bool = False) -> dict[str, Any]:
    """The body as the serializer lets it in, else 400."""
    given = serializer(data=request.data, partial=partial)
    given.is_valid(raise_exception=True)
    return given.validated_data


def device(request: Request) -> dict[str, str]:
    """Where a new session comes from."""
    user_agent = request.headers.get("User-Agent", "").replace("\x00", "")[:300]
    return {"ip": client_address(request), "user_agent": user_agent}


def logged_in(user: User, pair: tokens.Pair, *, code: int) -> Response:
    return Response({**pair, "user": ProfileSerializer(user).data}, status=code)


class PublicView(APIView):
    """For who has no token: one that is sent along all the same, good or bad, is not looked at."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()


class Register(PublicView):
    @extend_schema(
        tags=["auth"],
        summary="Register",
        description="Makes an account and logs it in. A taken address or username (both without case) is 400 `unique`. "
        "Counted by address: THROTTLE_REGISTER.",
        request=RegisterInput,
        responses={201: LoginResultSerializer},
        examples=[
            OpenApiExample(
                "Ada registers",
                {"email": "ada@example.com", "username": "ada", "password": "correct horse 42"},
                request_only=True,
            ),
            LOGGED_IN,
        ],
    )
    def post(self, request: Request) -> Response:
        data = validated(RegisterInput, request)
        take("THROTTLE_REGISTER", f"from:{client_address(request)}")
        user, pair = services.register(**data, **device(request))
        return logged_in(user, pair, code=status.HTTP_201_CREATED)


class Login(PublicView):
    @extend_schema(
        tags=["auth"],
        summary="Log in",
        description="Opens a session. A wrong password, an unknown address and a deactivated account are the same 401 "
        "`invalid_credentials`. Failed attempts are counted by address: THROTTLE_LOGIN.",
        request=LoginInput,
        responses={200: LoginResultSerializer},
        examples=[
            OpenApiExample(
                "Ada logs in", {"email": "ada@example.com", "password": "correct horse 42"}, request_only=True
            ),
            LOGGED_IN,
        ],
    )
    def post(self, request: Request) -> Response:
        user, pair = services.log_in(**validated(LoginInput, request), **device(request))
        return logged_in(user, pair, code=status.HTTP_200_OK)


class Logout(APIView):
    @extend_schema(
        tags=["auth"],
        summary="Log out",
        description="Ends this session, or with `all` every one of yours, at once: access token, refresh token and "
        "sockets. A `refresh` that is not this session's is 400 and ends nothing.",
        request=LogoutInput,
        responses={204: None},
        examples=[OpenApiExample("Everywhere", {"all": True}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        data = validated(LogoutInput, request)
        services.log_out(access=request.auth, refresh=data.get("refresh"), everywhere=data["all"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class Profile(APIView):
    @extend_schema(
        tags=["auth"],
        summary="Your profile",
        description="You, with what only you see.",
        responses={200: ProfileSerializer},
        examples=[PROFILE],
    )
    def get(self, request: Request) -> Response:
        return Response(ProfileSerializer(request.user).data)

    @extend_schema(
        tags=["auth"],
        summary="Change your profile",
        description="`username` is needed; what else is left out stays as it is.",
        request=ProfileInput,
        responses={200: ProfileSerializer},
        examples=[OpenApiExample("Ada", {"username": "ada", "first_name": "Ada"}, request_only=True), PROFILE],
    )
    def put(self, request: Request) -> Response:
        return self._update(request, partial=False)

    @extend_schema(
        tags=["auth"],
        summary="Change a part of your profile",
        description="What is left out stays as it is. A username that is taken (without case) is 400 `unique`.",
        request=ProfileInput,
        responses={200: ProfileSerializer},
        examples=[OpenApiExample("A new bio", {"bio": "Enchantress of numbers"}, request_only=True), PROFILE],
    )
    def patch(self, request: Request) -> Response:
        return self._update(request, partial=True)

    def _update(self, request: Request, *, partial: bool) -> Response:
        changes = validated(ProfileInput, request, partial=partial)
        return Response(ProfileSerializer(services.update_profile(user=request.user, **changes)).data)


class CheckSession(APIView):
    @extend_schema(
        tags=["auth"],
        summary="Am I logged in?",
        description="200 with you and the end of this access token, else 401.",
        responses={200: CheckSessionSerializer},
        examples=[
            OpenApiExample(
                "Yes",
                {"authenticated": True, "user": ADA_PROFILE, "expires_at": "2026-01-01T00:10:00.000000Z"},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(CheckSessionSerializer(request.auth).data)


class Refresh(PublicView):
    @extend_schema(
        tags=["auth"],
        summary="New tokens",
        description="Spends a refresh token for a new pair. A spent one that comes again ends the whole session: "
        "it was stolen, or sent twice; so never send one twice at once.",
        request=RefreshInput,
        responses={200: PairSerializer},
        examples=[OpenApiExample("Refresh", {"refresh": "eyJhbGciOi…"}, request_only=True), NEW_PAIR],
    )
    def post(self, request: Request) -> Response:
        return Response(tokens.rotate(validated(RefreshInput, request)["refresh"]))


class PasswordReset(PublicView):
    @extend_schema(
        tags=["auth"],
        summary="Ask for a password reset",
        description="The answer is the same whether or not the address is known; a mail goes out where it is. "
        "Counted by address and by the address named: THROTTLE_PASSWORD_RESET.",
        request=PasswordResetInput,
        responses={200: DetailSerializer},
        examples=[OpenApiExample("Ada forgot hers", {"email": "ada@example.com"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        email = validated(PasswordResetInput, request)["email"]
        take("THROTTLE_PASSWORD_RESET", f"from:{client_address(request)}", f"to:{email}")
        services.request_password_reset(email=email)
        return Response({"detail": "If this address has an account, a mail with a link is on its way."})


class PasswordResetConfirm(PublicView):
    @extend_schema(
        tags=["auth"],
        summary="Reset the password",
        description="Takes the token of the mailed link, once and for one hour; every session is then over. A password "
        "that will not do is 400 and leaves the token good; a bad token is 400 `invalid_token`.",
        request=PasswordResetConfirmInput,
        responses={200: DetailSerializer},
        examples=[
            OpenApiExample("A new password", {"token": "x3Y…", "new_password": "staple battery 7"}, request_only=True)
        ],
    )
    def post(self, request: Request) -> Response:
        services.reset_password(**validated(PasswordResetConfirmInput, request))
        return Response({"detail": "The password is changed. Log in with the new one."})


class PasswordChange(APIView):
    @extend_schema(
        tags=["auth"],
        summary="Change the password",
        description="Returns the tokens of a fresh session; every earlier one is over, this one too. A wrong old "
        "password is 400 `invalid` and counts as a failed login.",
        request=PasswordChangeInput,
        responses={200: PairSerializer},
        examples=[
            OpenApiExample(
                "Ada's", {"old_password": "correct horse 42", "new_password": "staple battery 7"}, request_only=True
            ),
            NEW_PAIR,
        ],
    )
    def post(self, request: Request) -> Response:
        data = validated(PasswordChangeInput, request)
        return Response(services.change_password(access=request.auth, **data, **device(request)))


class Users(APIView):
    @extend_schema(
        tags=["auth"],
        operation_id="auth_users_list",
        summary="Find people",
        description="By username, without you and without inactive accounts. No e-mail addresses.",
        parameters=[
            OpenApiParameter(
                "search", str, description="The start of a word of the username or the name, without case."
            ),
            LIMIT,
            CURSOR,
        ],
        responses={200: UserPageSerializer},
        examples=[OpenApiExample("One", {"next": None, "previous": None, "results": [ADA]}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        users = User.objects.active().exclude(pk=request.user.pk).by_username()
        if term := text_parameter(request, "search"):
            users = users.search(term)
        page = KeysetPage(request, users, ("username_key",))
        return page.response(UserSerializer(page.rows, many=True).data)


class UserDetail(APIView):
    @extend_schema(
        tags=["auth"],
        summary="One user",
        description="As everyone sees them; 404 for an inactive account.",
        responses={200: UserSerializer},
        examples=[OpenApiExample("Ada", ADA, response_only=True)],
    )
    def get(self, request: Request, user_id: int) -> Response:
        return Response(UserSerializer(get_object_or_404(User.objects.active(), pk=user_id)).data)


class Sessions(APIView):
    @extend_schema(
        tags=["auth"],
        operation_id="auth_sessions_list",
        summary="Where you are logged in",
        description="Your live sessions, newest first. `last_used_at` is right to the minute.",
        parameters=[LIMIT, CURSOR],
        responses={200: SessionPageSerializer},
        examples=[
            OpenApiExample(
                "This one",
                {
                    "next": None,
                    "previous": None,
                    "results": [
                        {
                            "id": "kT0b…",
                            "created_at": "2026-01-01T00:00:00.000000Z",
                            "last_used_at": "2026-01-01T00:05:00.000000Z",
                            "ip": "192.0.2.7",
                            "user_agent": "Mozilla/5.0",
                            "is_current": True,
                        }
                    ],
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        page = KeysetPage(request, request.user.sessions.live(), ("-created_at", "-id"))
        return page.response(SessionSerializer(page.rows, many=True, context={"access": request.auth}).data)


class SessionDetail(APIView):
    @extend_schema(
        tags=["auth"],
        summary="End a session",
        description="It is over at once, with its tokens and sockets; 404 where you have no such session.",
        responses={204: None},
    )
    def delete(self, request: Request, session_id: str) -> Response:
        services.end_session(user=request.user, session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
