"""The receiver's light start."""

import gc
import subprocess
import sys
from importlib import import_module

import pytest

from node.receive.light import lightly


def test_an_optional_package_is_absent_in_the_block_and_there_afterwards() -> None:
    code = (
        "from node.receive.light import lightly\n"
        "with lightly('wave'):\n"
        "    try:\n"
        "        import wave\n"
        "    except ImportError:\n"
        "        print('absent')\n"
        "import wave\n"
        "print(wave.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["absent", "wave"]


def test_a_package_that_is_loaded_already_stays() -> None:
    with lightly("pytest"):
        assert sys.modules["pytest"] is pytest
    assert sys.modules["pytest"] is pytest


def test_garbage_is_collected_again_also_after_a_failed_import() -> None:
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError), lightly():
        import_module("no_such_package_anywhere")
    assert gc.isenabled()


def test_the_receiver_loads_neither_requests_nor_rich() -> None:
    code = "import sys, node.receive.process\nprint(sorted({'requests', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
