"""The page of the documentation is seen by the same browser as the chat page."""

from tests.browser.conftest import browser as browser
