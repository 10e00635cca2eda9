"""Parse, call one service, show the result."""

from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat_server.pagination import KeysetPage, ListedRows, text_parameter
from chat_server.parsers import checked
from chat_server.rendering import Answer

from . import openapi, services, tokens
from .models import User
from .serializers import (
    CheckSessionSerializer,
    LoginInput,
    LogoutInput,
    PasswordChangeInput,
    PasswordResetConfirmInput,
    PasswordResetInput,
    ProfileInput,
    RefreshInput,
    RegisterInput,
    SessionSerializer,
)
from .shapes import USER, columns, profile_shape, user_shape
from .throttling import client_address


def device(request: Request) -> dict[str, str]:
    """Where a new session comes from."""
    user_agent = request.headers.get("User-Agent", "").replace("\x00", "")[:300]
    return {"ip": client_address(request), "user_agent": user_agent}


def logged_in(user: User, pair: tokens.Pair, *, code: int) -> Answer:
    return Answer({**pair, "user": profile_shape(user)}, status=code)


class PublicView(APIView):
    """For who has no token: one that is sent along all the same, good or bad, is not looked at."""

    authentication_classes = ()
    permission_classes = ()


class Register(PublicView):
    @openapi.register
    def post(self, request: Request) -> Response:
        user, pair = services.register(**checked(RegisterInput, request), **device(request))
        return logged_in(user, pair, code=status.HTTP_201_CREATED)


class Login(PublicView):
    @openapi.log_in
    def post(self, request: Request) -> Response:
        user, pair = services.log_in(**checked(LoginInput, request), **device(request))
        return logged_in(user, pair, code=status.HTTP_200_OK)


class Logout(APIView):
    @openapi.log_out
    def post(self, request: Request) -> Response:
        data = checked(LogoutInput, request)
        services.log_out(access=request.auth, refresh=data.get("refresh"), everywhere=data["all"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class Profile(APIView):
    @openapi.profile
    def get(self, request: Request) -> Response:
        return Answer(profile_shape(request.user))

    @openapi.put_profile
    def put(self, request: Request) -> Response:
        return self._update(request, partial=False)

    @openapi.update_profile
    def patch(self, request: Request) -> Response:
        return self._update(request, partial=True)

    def _update(self, request: Request, *, partial: bool) -> Response:
        changes = checked(ProfileInput, request, partial=partial)
        return Answer(profile_shape(services.update_profile(user=request.user, **changes)))


class CheckSession(APIView):
    @openapi.check_session
    def get(self, request: Request) -> Response:
        return Response(CheckSessionSerializer(request.auth).data)


class Refresh(PublicView):
    @openapi.refresh
    def post(self, request: Request) -> Response:
        return Response(tokens.rotate(checked(RefreshInput, request)["refresh"]))


class PasswordReset(PublicView):
    @openapi.password_reset
    def post(self, request: Request) -> Response:
        email = checked(PasswordResetInput, request)["email"]
        services.request_password_reset(email=email, ip=client_address(request))
        return Response({"detail": "If this address has an account, a mail with a link is on its way."})


class PasswordResetConfirm(PublicView):
    @openapi.password_reset_confirm
    def post(self, request: Request) -> Response:
        services.reset_password(**checked(PasswordResetConfirmInput, request))
        return Response({"detail": "The password is changed. Log in with the new one."})


class PasswordChange(APIView):
    @openapi.password_change
    def post(self, request: Request) -> Response:
        data = checked(PasswordChangeInput, request)
        return Response(services.change_password(access=request.auth, **data, **device(request)))


class Users(APIView):
    @openapi.users
    def get(self, request: Request) -> Response:
        users = User.objects.active().exclude(pk=request.user.pk).by_username()
        if term := text_parameter(request, "search"):
            users = users.search(term)
        page = KeysetPage(request, ListedRows(users, "username_key"))
        return page.answer([user_shape(*columns(user, USER)) for user in page.rows])


class UserDetail(APIView):
    @openapi.user
    def get(self, request: Request, user_id: int) -> Response:
        return Answer(user_shape(*columns(get_object_or_404(User.objects.active(), pk=user_id), USER)))


class Sessions(APIView):
    @openapi.sessions
    def get(self, request: Request) -> Response:
        page = KeysetPage(request, ListedRows(request.user.sessions.live(), "-created_at", "-id"))
        return page.answer(SessionSerializer(page.rows, many=True, context={"access": request.auth}).data)


class SessionDetail(APIView):
    @openapi.end_session
    def delete(self, request: Request, session_id: str) -> Response:
        services.end_session(user=request.user, session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
