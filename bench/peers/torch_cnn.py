"""The CNN in PyTorch, eager, one thread: forward, backward and Adam. Usage: torch_cnn.py DATA-FOLDER"""

import sys

import torch
from torch.nn.functional import cross_entropy

from candidate import batches, load_mnist, repeat_for, serve
from torch_model import build_adam, build_cnn

torch.set_num_threads(1)
torch.manual_seed(1)
images, labels = load_mnist(sys.argv[1])
images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
labels = torch.from_numpy(labels).long()
model = build_cnn()
optimizer = build_adam(model)


def measure(batch_size, seconds):
    starts = batches(len(images), batch_size)
    loss = None

    def step():
        nonlocal loss
        first = next(starts)
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(images[first : first + batch_size]), labels[first : first + batch_size])
        loss.backward()
        optimizer.step()

    steps, elapsed = repeat_for(seconds, step)
    return steps, elapsed, loss.item()


serve(
    f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}",
    sum(parameter.numel() for parameter in model.parameters()),
    measure,
)
