import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, packageVersion } from '../config/package-root.js';
import { settingsTable } from '../config/settings-table.js';
import { EXAMPLES } from './examples.js';
import { openApiDocument, openApiText } from './openapi.js';
import { allowedMethods, OPERATIONS } from './operations.js';
import { ANSWER_SCHEMAS, REQUEST_SCHEMAS } from './schemas.js';

const committed = (name: string) => readFileSync(join(packageRoot(), 'docs', name), 'utf8');

describe('the OpenAPI document', () => {
  it('is the committed one; if not: npm run openapi, and look at what changed', () => {
    expect(JSON.parse(committed('openapi.json'))).toEqual(
      JSON.parse(openApiText(packageVersion())),
    );
  });

  it('refers only to schemas that it has', () => {
    const text = openApiText('1.0.0');
    const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(20);
    const known = Object.keys({ ...REQUEST_SCHEMAS, ...ANSWER_SCHEMAS });
    expect(references.filter((name) => !known.includes(name ?? ''))).toEqual([]);
  });

  it('does not repeat a named schema in another', () => {
    const { components } = openApiDocument('1.0.0') as {
      components: { schemas: Record<string, { properties?: Record<string, unknown> }> };
    };
    expect(components.schemas['AnnotateTextResponse']?.properties?.['links']).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/Link' },
    });
  });

  it('has request examples that its own schemas take', () => {
    for (const { request, examples } of OPERATIONS) {
      if (request === undefined || examples === undefined) continue;
      const schema = { ...REQUEST_SCHEMAS, ...ANSWER_SCHEMAS }[request];
      for (const { value } of Object.values(EXAMPLES[examples])) {
        expect(schema.safeParse(value).error).toBeUndefined();
      }
    }
  });
});

describe('docs/settings.md', () => {
  it('is what the settings say; if not: npm run openapi', () => {
    expect(committed('settings.md')).toBe(settingsTable());
  });
});

describe('allowedMethods', () => {
  it.each<[string, string[]]>([
    ['/v1/annotate', ['POST']],
    ['/v1/annotate/', ['POST']],
    ['/v1/entities', ['GET', 'POST']],
    ['/v1/entities/a%2Fb', ['GET', 'PUT', 'PATCH', 'DELETE']],
    ['/v1/entities/a/b', []],
    ['/', ['GET']],
    ['/docs', ['GET']],
    ['/v2/annotate', []],
  ])('of %s are %j', (path, methods) => {
    expect(allowedMethods(path)).toEqual(methods);
  });
});
