"""The OpenAPI document: drf-spectacular's, with the errors of drf-standardized-errors."""

from drf_standardized_errors.openapi import AutoSchema as StandardizedAutoSchema


class AutoSchema(StandardizedAutoSchema):
    """Every operation's schema."""
