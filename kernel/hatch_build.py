"""Ships the template of a plugin inside the kernel's wheel, for `jackfield new-plugin`."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TemplateHook(BuildHookInterface[Any]):
    """Takes the template from the repository, or from the source distribution it was put into."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        inside = "jackfield/_template" if self.target_name == "wheel" else "plugin_template"
        root = Path(self.root)
        found = [folder for folder in (root, root.parent) if (folder / "plugin_template").is_dir()]
        build_data["force_include"][str(found[0] / "plugin_template")] = inside
