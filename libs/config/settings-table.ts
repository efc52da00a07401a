import { environment } from './environment.js';

const HEAD = `# Settings

All settings are environment variables, read once at start; a wrong one stops the start, and all wrong ones are
listed at once. An empty value counts as unset. This file is made by \`npm run openapi\` from libs/config/environment.ts.

| variable | values | default | what it sets |
| --- | --- | --- | --- |
`;

type Default = string | number | boolean | readonly string[] | undefined;

/** docs/settings.md. */
export function settingsTable(): string {
  const defaults: Readonly<Record<string, Default>> = environment.parse({});
  const rows = Object.entries(environment.shape).map(([name, schema]) => {
    const { values, description } = schema.meta() ?? {};
    return [
      `\`${name}\``,
      words(values, 'text'),
      byDefault(name, defaults[name]),
      words(description, ''),
    ];
  });
  return `${HEAD}${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

/** The number of cores is this machine's and has no place in a document. */
function byDefault(name: string, value: Default): string {
  if (name === 'REFERENT_THREADS') return 'cores';
  if (value === undefined || Array.isArray(value)) return '–';
  return `\`${value === false ? '0' : String(value)}\``;
}

function words(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
