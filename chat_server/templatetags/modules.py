"""Tags for pages that are made of ES modules."""

import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# `import … from "./x.js"`, `export … from "./x.js"`, `import "./x.js"`; not `import("x")`, which may not be needed.
IMPORT = re.compile(r"""^(?:import|export)\b[^"'()]*["'](\.[^"']+)["']""", re.M)


@register.simple_tag
def modulepreload(entry: str) -> SafeString:
    """A link for each module that `entry` imports, however indirectly, so that none waits until another one is read."""
    modules = imported_by(entry) if settings.DEBUG else _kept(entry)
    return format_html_join("\n  ", '<link rel="modulepreload" href="{}">', ((static(each),) for each in modules))


def imported_by(entry: str) -> list[str]:
    """Names of static files, in the order in which a browser comes to them."""
    found = [entry]
    for name in found:
        path = finders.find(name)
        source = Path(str(path)).read_text() if path else ""
        for relative in IMPORT.findall(source):
            if (imported := normpath(join(dirname(name), relative))) not in found:
                found.append(imported)
    return found[1:]


_kept = cache(imported_by)
