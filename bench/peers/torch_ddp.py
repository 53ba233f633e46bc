"""The CNN under DistributedDataParallel over gloo, two processes with one thread each.

Usage: torch_ddp.py DATA-FOLDER GLOBAL-BATCH STEPS. Prints one line: {"steps", "seconds", "loss", "device"}.
"""

import os
import sys
import tempfile
import threading
import time

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from candidate import batches, load_mnist, say
from torch_model import build_adam, build_cnn

WORLD_SIZE = 2
WARM_UP_STEPS = 20


def worker(rank, folder, batch_size, steps, rendezvous):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=WORLD_SIZE)
    images, labels = load_mnist(folder)
    images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(labels).long()
    model = DistributedDataParallel(build_cnn())
    optimizer = build_adam(model)
    share = batch_size // WORLD_SIZE
    starts = batches(len(images), batch_size)
    for step in range(WARM_UP_STEPS + steps):
        if step == WARM_UP_STEPS:
            dist.barrier()
            started = time.perf_counter()
        first = next(starts) + rank * share
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(images[first : first + share]), labels[first : first + share])
        loss.backward()
        optimizer.step()
    dist.barrier()
    seconds = time.perf_counter() - started
    if rank == 0:
        say({"steps": steps, "seconds": seconds, "loss": loss.item(), "device": f"PyTorch {torch.__version__} DDP, gloo"})
    dist.destroy_process_group()


def end_with_parent():
    """The benchmark holds the other end of the input: when it ends, so does this, and the workers with it."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        arguments = (sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), os.path.join(folder, "rendezvous"))
        torch.multiprocessing.spawn(worker, args=arguments, nprocs=WORLD_SIZE)
