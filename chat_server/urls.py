from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import TemplateView

from .documentation import Documentation, Schema
from .errors import UnknownPath

handler400 = "chat_server.errors.bad_request"
handler500 = "chat_server.errors.server_error"

page = TemplateView.as_view(template_name="index.html")
urlpatterns = [
    path("", page, name="page"),
    path("reset-password", page, name="reset-password"),
    path("admin/", admin.site.urls),
    path("api/", Documentation.as_view(url_name="schema"), name="api"),
    path("api/schema/", Schema.as_view(), name="schema"),
    path("api/auth/", include("authentication.urls")),
    path("api/chat/", include("chat.urls")),
    re_path(r"^api/", UnknownPath.as_view()),
]
