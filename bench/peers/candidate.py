"""What every Python peer shares: the data, and the conversation with the benchmark.

The benchmark writes a request a line to standard input, {"batch_size": 32, "seconds": 5}, and reads an answer a line
from standard output, {"steps": 400, "seconds": 5.01, "loss": 0.12}. Between requests a candidate sleeps, so that it
takes nothing from the one that is being measured, and it ends when its input does.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np


def load_mnist(folder):
    """Images as float32 in 0 ... 1, [count, 28, 28, 1], and labels, [count], from the bytes that the benchmark wrote."""
    images = np.fromfile(Path(folder) / "images.bin", dtype=np.uint8).reshape(-1, 28, 28, 1)
    labels = np.fromfile(Path(folder) / "labels.bin", dtype=np.uint8)
    return images.astype(np.float32) / 255, labels


def batches(count, size):
    """First indices of consecutive batches, round and round."""
    first = 0
    while True:
        if first + size > count:
            first = 0
        yield first
        first += size


def repeat_for(seconds, step):
    """Steps until the time is over, at least one. Returns how many, and how long they took."""
    started = time.perf_counter()
    steps = 0
    while True:
        step()
        steps += 1
        elapsed = time.perf_counter() - started
        if elapsed >= seconds:
            return steps, elapsed


def serve(device, parameters, measure):
    """Answers requests until the input ends. `measure(batch_size, seconds)` returns steps, seconds and the last loss."""
    say({"device": device, "parameters": parameters})
    for line in sys.stdin:
        request = json.loads(line)
        steps, seconds, loss = measure(request["batch_size"], request["seconds"])
        say({"steps": steps, "seconds": seconds, "loss": loss})


def say(message):
    print(json.dumps(message), flush=True)
