"""pennygrad's CNN and its Adam, in PyTorch."""

from torch import nn, optim


def build_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def build_adam(model):
    # The fused kernel is the fastest of PyTorch's Adams.
    return optim.Adam(model.parameters(), lr=0.001, eps=1e-7, fused=True)
