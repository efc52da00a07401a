import { FIGURES, type Figure } from './figures.js';

const HEAD = `# Metrics

\`GET /metrics\` answers these in Prometheus' text format; where there are API keys it takes one of any role. A worker
answers the same at its own port. This file is made by \`npm run openapi\` from libs/metrics/figures.ts.

| name | kind | labels | what it says |
| --- | --- | --- | --- |
`;

/** docs/metrics.md. */
export function metricsTable(): string {
  const rows = Object.entries<Figure>(FIGURES).map(([name, { kind, labels, help }]) =>
    [`\`${name}\``, kind, labels.length === 0 ? '–' : labels.join(', '), help].join(' | '),
  );
  return `${HEAD}${rows.map((row) => `| ${row} |`).join('\n')}\n`;
}
