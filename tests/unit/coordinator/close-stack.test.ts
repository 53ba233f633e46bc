import { describe, expect, test } from 'vitest';
import { createCloseStack, withCloseStack } from '../../../src/coordinator/close-stack.ts';

/** Services that write down when they are closed, some of them by failing. */
function services() {
  const closed: string[] = [];
  return {
    closed,
    service: (name: string, failure?: Error) => ({
      name,
      async close() {
        await Promise.resolve();
        closed.push(name);
        if (failure !== undefined) throw failure;
      },
    }),
  };
}

describe('a stack of services', () => {
  test('closes the last opened first, each before the next, and once', async () => {
    const { closed, service } = services();
    const stack = createCloseStack();
    expect(stack.use(service('first')).name).toBe('first');
    stack.use(service('second'));
    await Promise.all([stack.close(), stack.close()]);
    await stack.close();
    expect(closed).toEqual(['second', 'first']);
  });

  test('closes all of them where one fails, and says what failed first', async () => {
    const { closed, service } = services();
    const stack = createCloseStack();
    stack.use(service('first', new Error('one')));
    stack.use(service('second', new Error('two')));
    stack.use(service('third'));
    await expect(stack.close()).rejects.toThrow('two');
    expect(closed).toEqual(['third', 'second', 'first']);
  });

  test('takes no service that it would never close', async () => {
    const { service } = services();
    const stack = createCloseStack();
    await stack.close();
    expect(() => stack.use(service('late'))).toThrow(/after the others were closed/);
  });
});

describe('work with services', () => {
  test('has them closed when it is done', async () => {
    const { closed, service } = services();
    const result = await withCloseStack(async (stack) => {
      stack.use(service('only'));
      expect(closed).toEqual([]);
      return 7;
    });
    expect([result, closed]).toEqual([7, ['only']]);
  });

  test('has those that are open closed when opening another fails, and fails as that did', async () => {
    const { closed, service } = services();
    const work = withCloseStack(async (stack) => {
      stack.use(service('lock', new Error('closing')));
      throw new Error('port taken');
    });
    await expect(work).rejects.toThrow('port taken');
    expect(closed).toEqual(['lock']);
  });

  test('fails where only closing does', async () => {
    const { service } = services();
    const work = withCloseStack(async (stack) => stack.use(service('lock', new Error('closing'))));
    await expect(work).rejects.toThrow('closing');
  });
});
