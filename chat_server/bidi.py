"""Names that somebody chose, in strings that hold more than the name: titles, log entries, sentences of the admin."""

# Explicit directions, which reach as far as their counterpart, and may reach past any element around them.
DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
# What ends a paragraph ends every isolate with it.
PARAGRAPH_ENDS = dict.fromkeys(map(ord, "\n\r\x1c\x1d\x1e\x85\u2029"), " ")
FIRST_STRONG_ISOLATE, POP_DIRECTIONAL_ISOLATE = "\u2068", "\u2069"


def isolated(text: str) -> str:
    """The text for a place with other text around it, the order of which it cannot change."""
    plain = text.translate({**DIRECTIONS, **PARAGRAPH_ENDS})
    return plain if plain.isascii() else f"{FIRST_STRONG_ISOLATE}{plain}{POP_DIRECTIONAL_ISOLATE}"
