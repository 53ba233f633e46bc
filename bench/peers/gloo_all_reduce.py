"""One rank of an all-reduce over gloo: a sum of float32, one thread.

Usage: gloo_all_reduce.py RANK WORLD-SIZE FLOATS RENDEZVOUS-FILE. Says {"ready": true}, reads {"reductions": 5}, and answers
{"seconds": [...], "wrong": 0}: how long each took, and how many floats were not what they should be.
"""

import json
import os
import queue
import sys
import threading
import time

import numpy as np
import torch
import torch.distributed as dist

from candidate import say

rank, world_size, floats = map(int, sys.argv[1:4])
requests = queue.SimpleQueue()


def read_requests():
    """In a thread of its own: when the benchmark ends, so does this, even while it waits for other ranks."""
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(1)


# The vectors of all ranks are the same random floats over and over, from different places on.
period = 65_521
table = np.random.default_rng(1).random(period, dtype=np.float32) - np.float32(0.5)


def part_of(other, reduction):
    return np.roll(table, -((other * 40_503 + reduction * 9_973) % period))


def fill(vector, reduction):
    part = part_of(rank, reduction)
    for first in range(0, floats, period):
        vector[first : first + period] = part[: min(period, floats - first)]


def count_wrong(vector, reduction):
    """gloo adds in an order of its own, so the last bits may differ from those of a sum in rank order."""
    expected = sum(part_of(other, reduction) for other in range(world_size))
    wrong = 0
    for first in range(0, floats, period):
        found = vector[first : first + period]
        wrong += np.count_nonzero(~(np.abs(found - expected[: len(found)]) < 1e-5))
    return int(wrong)


threading.Thread(target=read_requests, daemon=True).start()
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{sys.argv[4]}", rank=rank, world_size=world_size)
tensor = torch.zeros(floats)
vector = tensor.numpy()
dist.barrier()
say({"ready": True})

step = 0
while True:
    seconds = []
    wrong = 0
    for _ in range(requests.get()["reductions"]):
        fill(vector, step)
        dist.barrier()
        started = time.perf_counter()
        dist.all_reduce(tensor)
        seconds.append(time.perf_counter() - started)
        wrong += count_wrong(vector, step)
        step += 1
    say({"seconds": seconds, "wrong": wrong})
