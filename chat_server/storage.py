"""How `collectstatic` stores the static files: compressed, each with the hash of its content in its name."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """ES modules that import each other by relative path import each other's hashed names."""

    support_js_module_import_aggregation = True
    max_post_process_passes = 10  # one for each level of imports; it stops as soon as nothing changes
