import { describe, expect, it } from 'vitest';
import { decidePrice } from '../../../../src/coordinator/membership/worker-price.ts';
import { helloOf, startGathering } from './gathering.ts';

const origin = { source: 'list', date: '2026-02' };
const assumePrice = ({ threads = 0 }: { readonly threads: number | undefined }) =>
  threads === 0 ? undefined : { usdPerHour: threads / 10, origin, from: `${threads} vCPUs at a/b/c` };
const rules = (byDefault?: number | 'none') => ({ defaultPriceUsdPerHour: byDefault, assumePrice });
const ready = { threads: 2 };

describe('the price of a worker', () => {
  it.each([
    ['its own', { priceUsdPerHour: 0.5 }, rules(0.4), { kind: 'own', usdPerHour: 0.5 }],
    ['its own, although it is 0', { priceUsdPerHour: 0 }, rules(0.4), { kind: 'own', usdPerHour: 0 }],
    ['its own for each thread', { priceUsdPerHour: 0.5, pricePer: 'vcpu' }, rules(), { kind: 'own', usdPerHour: 1 }],
    ["the run's", {}, rules(0.4), { kind: 'default', usdPerHour: 0.4 }],
    ['assumed', {}, rules(), { kind: 'assumed', usdPerHour: 0.2, origin, from: '2 vCPUs at a/b/c' }],
    ['none, if it says so', { priceUsdPerHour: 'none' }, rules(0.4), { kind: 'none', reason: 'declined' }],
    ['none, if the run says so', {}, rules('none'), { kind: 'none', reason: 'declined' }],
    ['its own, if the run says none', { priceUsdPerHour: 0.5 }, rules('none'), { kind: 'own', usdPerHour: 0.5 }],
  ] as const)('is %s', (_, hello, prices, price) => {
    expect(decidePrice(helloOf('w0', hello), ready, prices)).toEqual(price);
  });

  it('is not assumed of what the table does not have, nor where nothing assumes', () => {
    expect(decidePrice(helloOf('w0'), {}, rules())).toEqual({ kind: 'none', reason: 'nothing to assume' });
    expect(decidePrice(helloOf('w0'), ready, { defaultPriceUsdPerHour: undefined })).toEqual({
      kind: 'none',
      reason: 'nothing to assume',
    });
  });

  it('of all its threads is no more than a machine may cost', () => {
    const hello = helloOf('w0', { priceUsdPerHour: 6000, pricePer: 'vcpu' });
    expect(decidePrice(hello, ready, rules())).toMatchObject({ usdPerHour: 10_000 });
  });
});

describe('a worker that gets ready', () => {
  const pricesAnnounced = (byDefault?: number) => {
    const run = startGathering(rules(byDefault));
    run.hello('w0');
    const effects = run.ready('w0', { threads: 2 });
    return { run, events: effects.flatMap((effect) => (effect.type === 'announce' ? [effect.event] : [])) };
  };

  it('is billed from its beginning, with what its price was assumed from', () => {
    const { run, events } = pricesAnnounced();
    expect(events[0]).toEqual({
      type: 'worker-began',
      workerId: 'w0',
      at: 98,
      priceUsdPerHour: 0.2,
      priceAssumed: '2 vCPUs at a/b/c',
    });
    expect(run.worker('w0').info).toMatchObject({
      threads: 2,
      priceUsdPerHour: 0.2,
      priceOrigin: origin,
      priceAssumed: '2 vCPUs at a/b/c',
    });
  });

  it.each([
    ['its own, from where it was looked up', { priceUsdPerHour: 0.3, priceOrigin: origin }, 0.3, origin],
    ['its own, which the user has named', { priceUsdPerHour: 0.3 }, 0.3, undefined],
    ['the one that all have, which has no origin', {}, 0.4, undefined],
    ['none, where it declines one', { priceUsdPerHour: 'none' as const }, undefined, undefined],
  ])('knows where its price comes from: %s', (_, hello, priceUsdPerHour, priceOrigin) => {
    const run = startGathering(rules(0.4));
    run.hello('w0', hello);
    run.ready('w0', { threads: 2 });
    const { info } = run.worker('w0');
    expect([info.priceUsdPerHour, info.priceOrigin, info.priceAssumed]).toEqual([
      priceUsdPerHour,
      priceOrigin,
      undefined,
    ]);
  });

  it('that has a price is assumed none', () => {
    const { run, events } = pricesAnnounced(0.4);
    expect(events[0]).toMatchObject({ type: 'worker-began', priceUsdPerHour: 0.4, priceAssumed: undefined });
    expect(run.worker('w0').info).toMatchObject({ priceUsdPerHour: 0.4, priceAssumed: undefined });
  });
});
