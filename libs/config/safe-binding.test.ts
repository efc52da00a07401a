import { expect, it } from '@jest/globals';
import { checkBinding } from './safe-binding.js';

const open = { host: '0.0.0.0', allowPublic: false, keys: 0 };

it('refuses to bind beyond loopback without keys, and names the remedy', () => {
  expect(() => checkBinding(open)).toThrow(
    /0\.0\.0\.0.*referent keys add.*REFERENT_ALLOW_PUBLIC=1/,
  );
});

it('binds there with a key, without a warning', () => {
  expect(checkBinding({ ...open, keys: 1 })).toBeNull();
});

it('binds there when told that this is wanted, and warns', () => {
  expect(checkBinding({ ...open, allowPublic: true })).toMatch(/Anyone who reaches this port/);
});

it('binds to loopback without keys', () => {
  expect(checkBinding({ ...open, host: '127.0.0.1' })).toBeNull();
});
