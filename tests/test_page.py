"""What the page is made of, beside what is seen in a browser (tests/browser)."""

import re

from django.conf import settings

STATIC = settings.BASE_DIR / "static"


def test_the_vendored_libraries_say_which_they_are_and_under_which_licence() -> None:
    vendor = STATIC / "chat" / "vendor"
    script = (settings.BASE_DIR / "scripts" / "vendor_page_libraries").read_text()
    for name in ("preact", "htm"):
        [version] = re.findall(rf"^{name.upper()}=(.+)$", script, re.MULTILINE)
        assert f"{name} {version}" in (vendor / "README").read_text()
        assert (vendor / f"LICENSE-{name}").is_file()


def keys_of(language: str) -> dict[str, str]:
    """The texts of a language, as they are written, by their key."""
    text = (STATIC / "chat" / "texts" / f"{language}.js").read_text()
    return dict(re.findall(r"^  (\w+): (.+),$", text, re.MULTILINE))


def test_every_language_has_every_text_with_the_same_values_in_it() -> None:
    english = keys_of("en")
    assert len(english) > 150
    languages = [path.stem for path in (STATIC / "chat" / "texts").glob("*.js")]
    assert len(languages) > 1
    for language in languages:
        texts = keys_of(language)
        assert texts.keys() == english.keys(), language
        for key, text in texts.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), (language, key)


def test_every_text_that_is_shown_is_there_and_every_one_that_is_there_is_shown() -> None:
    source = "\n".join(path.read_text() for path in (STATIC / "chat").glob("*.js"))
    english = keys_of("en").keys()
    assert set(re.findall(r"\bt\(\"(\w+)\"", source)) | set(re.findall(r" k=\"(\w+)\"", source)) <= english
    words = set(re.findall(r"\w+", source))
    by_code = {key for key in english if key.startswith(("error_", "event_"))}
    unused = {
        key for key in english - by_code - words if key.removesuffix("_question").removesuffix("_hint") not in words
    }
    assert unused == set()
