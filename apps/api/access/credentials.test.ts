import { expect, it } from '@jest/globals';
import { credentialsOf } from './credentials.js';

const of = (headersDistinct: Record<string, string[]>, takesBasic = false) =>
  credentialsOf({ headersDistinct }, { takesBasic }).map(({ key }) => key);
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

it.each(['Bearer k', 'bearer k', 'BEARER   k', ' Bearer k '])('reads %j', (header) => {
  expect(of({ authorization: [header] })).toEqual(['k']);
});

it('reads X-Api-Key', () => {
  expect(of({ 'x-api-key': ['k'] })).toEqual(['k']);
});

it('counts every header, so that two keys are seen to be two', () => {
  expect(of({ authorization: ['Bearer a', 'Bearer b'], 'x-api-key': ['c'] })).toHaveLength(3);
});

it('takes Basic where it is asked to, the password as the key', () => {
  expect(of({ authorization: [basic('me:a:b')] })).toEqual([]);
  expect(of({ authorization: [basic('me:a:b')] }, true)).toEqual(['a:b']);
});

it.each(['Bearer', 'Bearerk', 'Digest x', '', 'Basic', 'Basic %%%'])(
  'finds no key in %j',
  (header) => {
    expect(of({ authorization: [header] }).filter((key) => key !== '')).toEqual([]);
  },
);
