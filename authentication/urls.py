from django.urls import path

from . import views

app_name = "authentication"
urlpatterns = [
    path("register/", views.Register.as_view(), name="register"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", views.Logout.as_view(), name="logout"),
    path("profile/", views.Profile.as_view(), name="profile"),
    path("check-session/", views.CheckSession.as_view(), name="check-session"),
    path("token/refresh/", views.Refresh.as_view(), name="token-refresh"),
    path("password-reset/", views.PasswordReset.as_view(), name="password-reset"),
    path("password-reset-confirm/", views.PasswordResetConfirm.as_view(), name="password-reset-confirm"),
    path("password-change/", views.PasswordChange.as_view(), name="password-change"),
    path("users/", views.Users.as_view(), name="users"),
    path("users/<id:user_id>/", views.UserDetail.as_view(), name="user"),
    path("sessions/", views.Sessions.as_view(), name="sessions"),
    # A slug: of any other text a session's id cannot be made, and no database would take all of it (NUL).
    path("sessions/<slug:session_id>/", views.SessionDetail.as_view(), name="session"),
]
