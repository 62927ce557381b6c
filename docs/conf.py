"""How the documentation is built: `make docs` runs Sphinx with this file."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(HERE))
sys.path.insert(1, str(HERE.parent / "benchmarks"))  # where the record of speed is read

import extension.style  # noqa: E402
import wavetrain  # noqa: E402

project = "Wavetrain"
author = "The Wavetrain authors"
copyright = author
version = release = wavetrain.__version__

extensions = ["myst_parser", "sphinx_gallery.gen_gallery", "extension.build"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = [
    "_build",
    "tour",
    "loops",
    "extension",
    "generated/tour/sg_execution_times.rst",
    "generated/loops/sg_execution_times.rst",
    "sg_execution_times.rst",
]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
smartquotes = False
suppress_warnings = ["ref.python"]  # a name in a signature that several modules define is left as text

sphinx_gallery_conf = {
    "examples_dirs": ["tour", "loops"],
    "gallery_dirs": ["generated/tour", "generated/loops"],
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1000,  # seconds: how long a page took to run is of no interest here
    "show_signature": False,
    "write_computation_times": False,
    "reset_modules": ("extension.style.begin",),
    "image_srcset": ["2x"],
    "remove_config_comments": True,
}

html_theme = "furo"
html_title = "Wavetrain"
html_static_path = ["static"]
html_css_files = ["docs.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": extension.style.LIGHT,
    "dark_css_variables": extension.style.DARK,
}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
