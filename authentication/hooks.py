"""What other apps are told about accounts; they append a callable in their `AppConfig.ready`."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import User

logger = logging.getLogger(__name__)

# Called after the commit with the ids of sessions that are over; one that fails is logged and stops nothing.
sessions_ended: list[Callable[[list[str]], None]] = []
# Called inside the transaction, before the user's row goes; one that fails keeps the account.
account_closing: list[Callable[["User"], None]] = []


def announce_sessions_ended(session_ids: list[str]) -> None:
    """Tell everyone in `sessions_ended`; never raises."""
    for listener in sessions_ended:
        try:
            listener(session_ids)
        except Exception as error:  # the sessions are over whatever a listener does
            # No traceback: session ids are in it, and whoever listens repairs on a timer anyway.
            logger.error("a listener for ended sessions failed: %s", type(error).__name__)
