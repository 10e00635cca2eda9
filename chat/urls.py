from django.urls import path

from . import views

app_name = "chat"
urlpatterns = [
    path("conversations/", views.ConversationList.as_view(), name="conversations"),
    path("conversations/create/", views.ConversationCreate.as_view(), name="conversation-create"),
    path("conversations/<id:conversation_id>/", views.ConversationDetail.as_view(), name="conversation"),
    path("conversations/<id:conversation_id>/delete/", views.ConversationDelete.as_view(), name="conversation-delete"),
    path("conversations/<id:conversation_id>/messages/", views.History.as_view(), name="history"),
    path("conversations/<id:conversation_id>/changes/", views.Changes.as_view(), name="changes"),
    path("conversations/<id:conversation_id>/mark-read/", views.MarkRead.as_view(), name="mark-read"),
    path("conversations/<id:conversation_id>/participants/", views.Participants.as_view(), name="participants"),
    path(
        "conversations/<id:conversation_id>/participants/<id:user_id>/",
        views.ParticipantDetail.as_view(),
        name="participant",
    ),
    path("unread/", views.UnreadCounts.as_view(), name="unread"),
    path("messages/create/", views.MessageCreate.as_view(), name="message-create"),
    path("messages/<id:message_id>/", views.MessageDetail.as_view(), name="message"),
    path("messages/<id:message_id>/delete/", views.MessageDelete.as_view(), name="message-delete"),
    path("messages/<id:message_id>/receipts/", views.Receipts.as_view(), name="receipts"),
]
