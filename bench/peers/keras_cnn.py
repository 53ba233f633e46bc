"""The CNN in Keras on TensorFlow, compiled, one thread. Usage: keras_cnn.py DATA-FOLDER"""

import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf
from keras import layers

from candidate import batches, load_mnist, repeat_for, serve

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
keras.utils.set_random_seed(1)
images, labels = load_mnist(sys.argv[1])
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"), layers.Flatten(),
    layers.Dense(64, activation="relu"), layers.Dense(10),
])  # fmt: skip
model.compile(
    optimizer=keras.optimizers.Adam(0.001),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    # XLA takes longer for a step of this model on a CPU.
    jit_compile=False,
)
# On the device once, as tensors: train_on_batch would otherwise convert every batch.
images, labels = tf.constant(images), tf.constant(labels.astype("int32"))


def measure(batch_size, seconds):
    starts = batches(len(images), batch_size)
    loss = None

    def step():
        nonlocal loss
        first = next(starts)
        loss = model.train_on_batch(images[first : first + batch_size], labels[first : first + batch_size])

    steps, elapsed = repeat_for(seconds, step)
    return steps, elapsed, float(loss)


serve(f"Keras {keras.version()} on TensorFlow {tf.version.VERSION}", model.count_params(), measure)
