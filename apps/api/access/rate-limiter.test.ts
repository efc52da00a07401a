import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { networkOf } from './rate-limit.js';
import { RateLimiter } from './rate-limiter.js';

const clock = () => {
  let now = 0;
  return { now: () => now, pass: (milliseconds: number) => (now += milliseconds) };
};

it('lets a burst through, then one a second at 60 a minute', () => {
  const { now, pass } = clock();
  const limiter = new RateLimiter({ perMinute: 60, burst: 3, most: 10 }, now);
  const take = () => limiter.take('a').isAllowed;
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
  pass(999);
  expect(take()).toBe(false);
  pass(1);
  expect([take(), take()]).toEqual([true, false]);
});

it('says how long to wait: after that there is one', () => {
  const { now, pass } = clock();
  const limiter = new RateLimiter({ perMinute: 7, burst: 1, most: 10 }, now);
  limiter.take('a');
  const { isAllowed, waitSeconds } = limiter.take('a');
  expect(isAllowed).toBe(false);
  pass(waitSeconds * 1000);
  expect(limiter.take('a').isAllowed).toBe(true);
});

it('counts every caller for itself', () => {
  const limiter = new RateLimiter({ perMinute: 1, burst: 1, most: 10 }, () => 0);
  expect(limiter.take('a').isAllowed).toBe(true);
  expect(limiter.take('b').isAllowed).toBe(true);
  expect(limiter.take('a').isAllowed).toBe(false);
});

it('never lets more through than burst and rate allow, whenever requests come', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), (pauses) => {
      const { now, pass } = clock();
      const limiter = new RateLimiter({ perMinute: 30, burst: 5, most: 10 }, now);
      const allowed = pauses.filter((pause) => {
        pass(pause);
        return limiter.take('a').isAllowed;
      });
      expect(allowed.length).toBeLessThanOrEqual(5 + Math.floor(now() / 2_000) + 1);
    }),
  );
});

it('remembers no more callers than it may, those heard of last', () => {
  const limiter = new RateLimiter({ perMinute: 1, burst: 1, most: 100 }, () => 0);
  limiter.take('regular');
  for (let at = 0; at < 10_000; at += 1) {
    limiter.take(`guest ${at}`);
    if (at % 50 === 0) limiter.take('regular');
  }
  expect(limiter.size).toBe(100);
  expect(limiter.take('regular').isAllowed).toBe(false);
});

it.each([
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('takes %s for one of the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
