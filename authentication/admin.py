"""Accounts and sessions for the staff; every write goes through `services` or `User.save`."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from . import services
from .models import Session, SessionQuerySet, User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ("username", "email", "display_name", "is_active", "is_staff", "is_online", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "is_online", "date_joined")
    search_fields = ("username", "email", "first_name", "last_name")
    ordering = ("username",)
    readonly_fields = ("last_login", "date_joined", "is_online", "last_seen")
    actions = ("deactivate", "activate", "end_sessions")
    fieldsets = (
        (None, {"fields": ("email", "username", "password")}),
        ("Profile", {"fields": ("first_name", "last_name", "bio")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Seen", {"fields": ("is_online", "last_seen", "last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {"classes": ("wide",), "fields": ("email", "username", "usable_password", "password1", "password2")},
        ),
    )

    @admin.action(description="Deactivate: end all sessions, refuse logins", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            services.deactivate_user(user=user)
        self.message_user(request, f"{len(queryset)} deactivated.", messages.SUCCESS)

    @admin.action(description="Activate: allow logins again", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            services.activate_user(user=user)
        self.message_user(request, f"{len(queryset)} activated.", messages.SUCCESS)

    @admin.action(description="End all sessions", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        ended = services.end_sessions(sessions=Session.objects.filter(user__in=queryset))
        self.message_user(request, f"{len(ended)} sessions ended.", messages.SUCCESS)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.delete_account(user=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            services.delete_account(user=user)


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):
    """To look at, and to end: "delete" is what ends one."""

    list_display = ("user", "created_at", "last_used_at", "ip", "device")
    list_select_related = ("user",)
    list_filter = ("created_at", "last_used_at")
    search_fields = ("user__username", "user__email", "ip")
    ordering = ("-last_used_at",)
    fields = ("user", "created_at", "last_used_at", "expires_at", "ip", "user_agent")
    raw_id_fields = ("user",)

    def get_queryset(self, request: HttpRequest) -> SessionQuerySet:
        return Session.objects.live()

    @admin.display(description="Device", ordering="user_agent")
    def device(self, session: Session) -> str:
        return Truncator(session.user_agent).chars(60)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Session) -> None:
        services.end_sessions(sessions=Session.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        services.end_sessions(sessions=Session.objects.filter(pk__in=queryset.values("pk")))
