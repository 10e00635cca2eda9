"""How `collectstatic` stores the static files: compressed, each with the hash of its content in its name."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """ES modules that import each other by relative path import each other's hashed names."""

    support_js_module_import_aggregation = True
    max_post_process_passes = 10  # one for each level of imports; it stops as soon as nothing changes

    def stored_name(self, name: str) -> str:
        """The name with its hash; as it is where nothing was collected and the files are served from where they lie."""
        return str(super().stored_name(name)) if self.hashed_files else name
