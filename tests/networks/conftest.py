"""What needs a GPU is collected only where there is one."""

import torch

collect_ignore = [] if torch.cuda.is_available() else ["test_on_a_gpu.py"]
