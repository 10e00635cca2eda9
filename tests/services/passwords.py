"""Argon2 that costs nothing."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class FastArgon2PasswordHasher(Argon2PasswordHasher):
    """The server's own hashes, with parameters that a test can wait for."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
