import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { shippedManifest } from '../../../test/support/golden.js';
import { entityFeatures, featureRows, mentionFeatures } from './sparse-features.js';

const golden = JSON.parse(readFileSync('test/support/sparse-golden.json', 'utf8')) as {
  readonly mentions: readonly { surface: string; features: number[] }[];
  readonly entities: readonly { title: string; types: string[]; features: number[] }[];
};

test('a surface has the features that the training gave it', () => {
  for (const { surface, features } of golden.mentions) {
    expect([surface, mentionFeatures(surface)]).toEqual([surface, features]);
  }
});

test('an entity has the features that the training gave it', () => {
  for (const { features, ...entity } of golden.entities) {
    expect([entity, entityFeatures(entity, shippedManifest.limits)]).toEqual([entity, features]);
  }
});

test('rows are padded with 0', () => {
  expect(Array.from(featureRows([[3], [], [1, 2]], 2))).toEqual([3, 0, 0, 0, 1, 2]);
});
