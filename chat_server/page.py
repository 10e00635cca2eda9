"""The browser page."""

from functools import cache
from typing import Any

from django.conf import settings
from django.views.generic import TemplateView


class Page(TemplateView):
    """Named in it are all modules that it will import: they are fetched at once, not one level after the other."""

    template_name = "index.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(modules=_modules(), **kwargs)


@cache
def _modules() -> list[str]:
    static = settings.BASE_DIR / "static"
    folders = ("chat/vendor", "chat-client", "chat")
    found = [path for folder in folders for path in sorted((static / folder).glob("*.js"))]
    return [str(path.relative_to(static)) for path in (*found, static / "chat/texts/en.js")]
