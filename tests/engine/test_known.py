"""What routing may count on is the same for the node, a folder and `routes explain`."""

import subprocess
import sys
from pathlib import Path

from node.engine.known import known_of
from node.route.case import MODEL_NAME, Known
from node.settings import Settings


def test_it_follows_the_settings() -> None:
    settings = Settings.model_validate(
        {
            "compute": {"lungs": "lungs-rule", "lesions": "lesions-p3"},
            "objects": {"manufacturer": "Hospital"},
            "rules": {"earl": True},
        }
    )
    known = known_of(settings)
    assert known == Known(
        tasks=frozenset(("lungs", "lesions", "nodules")),
        lungs="lungs-rule",
        lesions="lesions-p3",
        own_equipment=("Hospital", MODEL_NAME),
        earl=True,
    )


def test_it_loads_no_imaging_libraries() -> None:
    code = "import sys, node.engine.known; sys.exit(any(m in sys.modules for m in ('highdicom', 'torch', 'SimpleITK')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0
