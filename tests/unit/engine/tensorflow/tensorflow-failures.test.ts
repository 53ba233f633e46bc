import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../../../src/engine/tensorflow/tensorflow-session.ts';
import { badInput } from '../../../../src/shared/core/errors.ts';

describe('an error of TensorFlow', () => {
  it.each([
    // TensorFlow 2.21 on this very graph, on a CPU whose memory was limited.
    [
      'Session fail to run with error: OOM when allocating tensor with shape[60000,13,13,32] and type float on ' +
        '/job:localhost/replica:0/task:0/device:CPU:0 by allocator mklcpu\n\t [[{{node MaxPool_57}}]]\nHint: If you ' +
        'want to see a list of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom to ' +
        "RunOptions for current allocation info. This isn't available when running in Eager mode.\n",
      'TensorFlow ran out of memory',
    ],
    [
      'Session fail to run with error: OOM when allocating tensor with shape[500,512,4,4] and type float on ' +
        '/job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc\n\t [[{{node Conv2D_3}}]]',
      'the GPU ran out of memory',
    ],
    [
      'Session fail to run with error: 2 root error(s) found.\n  (0) RESOURCE_EXHAUSTED: failed to allocate memory on ' +
        '/job:localhost/replica:0/task:0/device:GPU:0',
      'the GPU ran out of memory',
    ],
    ['failed call to cuInit: CUDA_ERROR_OUT_OF_MEMORY: out of memory', 'the GPU ran out of memory'],
  ])('says to lower the batch size when memory ran out: %#', (message, start) => {
    const described = describeFailure(new Error(message));
    expect(described).toMatchObject({ code: 'run-failed' });
    expect(described.message.startsWith(`${start}: lower --batch-size`)).toBe(true);
    expect(described.message).not.toContain('\n');
  });

  it('is repeated in one line when it is another', () => {
    const message =
      'Session fail to run with error: indices[0] = 12 is not in [0, 12)\n\t [[{{node ResourceGather_1}}]]';
    expect(describeFailure(new Error(message)).message).toBe(
      'TensorFlow failed: Session fail to run with error: indices[0] = 12 is not in [0, 12)',
    );
    const own = badInput('said already');
    expect(describeFailure(own)).toBe(own);
  });
});
