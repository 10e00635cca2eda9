"""The project's settings, with passwords that cost little: people register in almost every test."""

from chat_server.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.services.passwords.FastArgon2PasswordHasher"]
