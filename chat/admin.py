"""Conversations and messages for the staff: to look at, and to delete; every write goes through `services`."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from rest_framework.exceptions import NotFound

from chat_server.bidi import isolated

from . import services
from .models import Conversation, ConversationParticipant, Message

admin.site.site_header = admin.site.site_title = "Chat server"
admin.site.index_title = "Administration"
admin.site.enable_nav_sidebar = False  # five models: the lists need the room more

PARTICIPANTS_PER_PAGE = 50
EXCERPT = 80
NOTHING = "–"

Deletion = tuple[list[str], dict[str, int], set[str], list[str]]


class ReadOnlyAdmin(admin.ModelAdmin):
    """Nothing is added or changed here: only services know how."""

    empty_value_display = NOTHING
    list_per_page = 50
    show_full_result_count = False  # messages may be millions
    delete_confirmation_template = "admin/chat/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/chat/delete_selected_confirmation.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "title", "participant_count", "message_count", "updated_at")
    list_display_links = ("id", "title")
    list_filter = ("type", "updated_at")
    search_fields = ("name", "participants__user__username")
    search_help_text = "A group's name, or a participant's username"
    ordering = ("-updated_at",)
    fieldsets = (
        (None, {"fields": ("type", "title", "description", "participant_count", "message_count")}),
        ("History", {"fields": ("created_at", "updated_at", "version")}),
    )
    readonly_fields = ("title", "participant_count", "message_count")
    change_form_template = "admin/chat/conversation/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        everyone = ConversationParticipant.objects.filter(conversation=OuterRef("pk")).order_by()
        count = everyone.values("conversation").annotate(count=Count("pk")).values("count")
        # A group's participants have a page of their own: only of private conversations are they loaded with the row.
        private = ConversationParticipant.objects.filter(conversation__type=Conversation.Type.PRIVATE)
        the_two = private.select_related("user").order_by("id")
        return (
            super()
            .get_queryset(request)
            .annotate(people=Coalesce(Subquery(count), 0))
            .prefetch_related(Prefetch("participants", the_two, to_attr="the_two"))
        )

    @admin.display(description="Name", ordering="name")
    def title(self, conversation: Any) -> str:
        names = [conversation.name] if conversation.is_group else [each.user.username for each in conversation.the_two]
        return format_html_join(" and ", "<bdi>{}</bdi>", ((isolated(name),) for name in names)) or NOTHING

    @admin.display(description="Participants", ordering="people")
    def participant_count(self, conversation: Any) -> int:
        return conversation.people

    @admin.display(description="Messages", ordering="last_seq")
    def message_count(self, conversation: Conversation) -> str:
        url = f"{reverse('admin:chat_message_changelist')}?conversation__id__exact={conversation.pk}"
        return format_html('<a href="{}">{}</a>', url, conversation.last_seq)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        conversation = self.get_object(request, object_id)
        context = extra_context or {}
        if conversation is not None:
            participants = conversation.participants.select_related("user").order_by("joined_at", "id")
            page = Paginator(participants, PARTICIPANTS_PER_PAGE).get_page(request.GET.get("participants"))
            context = {**context, "participants": page}
        return super().change_view(request, object_id, form_url, context)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Deletion:
        """Counted, not loaded: Django would collect every message."""
        found = list(objs)
        line = "{} – {} participants, {} messages"
        lines = [format_html(line, self.title(each), each.people, each.last_seq) for each in found]
        return lines, {"conversations": len(found), "messages": sum(each.last_seq for each in found)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        try:
            services.delete_any_conversation(conversation_id=obj.pk)
        except NotFound:  # gone meanwhile, which is what was wanted
            pass

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        for conversation in queryset:
            self.delete_model(request, conversation)


class DeletedFilter(admin.SimpleListFilter):
    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        return queryset if self.value() is None else queryset.filter(deleted_at__isnull=self.value() == "no")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """To read, and to delete: what "delete" leaves is a tombstone, for `seq` has no gaps."""

    list_display = ("created_at", "where", "seq", "sender", "type", "excerpt")
    list_select_related = ("conversation", "sender")
    list_filter = ("type", DeletedFilter)
    search_fields = ("content", "sender__username")
    search_help_text = "What was said, or the sender's username"
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    actions = ("delete_selected",)
    fieldsets = (
        (None, {"fields": ("conversation", "seq", "type", "sender", "content", "event", "reply_to")}),
        ("History", {"fields": ("created_at", "edited_at", "deleted_at", "version", "client_id")}),
    )

    @admin.display(description="Conversation", ordering="conversation")
    def where(self, message: Message) -> str:
        url = reverse("admin:chat_conversation_change", args=[message.conversation_id])
        return format_html('<a href="{}"><bdi>{}</bdi></a>', url, message.conversation)

    @admin.display(description="Message")
    def excerpt(self, message: Message) -> str:
        if message.is_deleted:
            return format_html("<em>{}</em>", "deleted")
        if message.event is not None:
            return format_html("<em>{}</em>", message.event.get("action", "").replace("_", " "))
        return Truncator(message.content).chars(EXCERPT)

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not obj.is_fixed)

    @admin.action(description="Delete (tombstone): take what they say, leave their place", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        said = queryset.filter(type=Message.Type.TEXT, deleted_at=None)
        if not said.exists():
            self.message_user(request, "System and deleted messages stay as they are.", messages.WARNING)
            return None
        return delete_selected(self, request, said)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Deletion:
        found = list(objs)
        return [str(each) for each in found], {"messages": len(found)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Message) -> None:
        try:
            services.delete_message_as_operator(message_id=obj.pk)
        except NotFound:  # gone meanwhile with its conversation
            pass

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        for message in queryset:
            self.delete_model(request, message)
