"""Tiny models gain nothing from threads, and on a busy machine they lose a lot by waiting for each other."""

import torch

torch.set_num_threads(1)
