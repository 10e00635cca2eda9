#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat_server.settings")
    if "serve" in sys.argv[1:]:  # options may come before it
        from chat_server.server.start import end_on_signal, use_uvloop

        end_on_signal()  # while the project is loaded, too
        use_uvloop()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
