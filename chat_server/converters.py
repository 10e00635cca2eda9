"""How an id is written in a path."""

from django.urls.converters import IntConverter


class IdConverter(IntConverter):
    """`<id:…>`: a whole number that every database can hold; a longer one is an unknown path, and so a 404."""

    regex = "[0-9]{1,18}"
