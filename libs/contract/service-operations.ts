/** What is there for who runs the service, as /docs tells it; part of `OPERATIONS`. */
export const SERVICE_OPERATIONS = [
  {
    method: 'GET',
    path: '/health/live',
    id: 'live',
    role: 'public',
    tag: 'service',
    summary: 'Whether the process runs.',
    answer: 'HealthResponse',
    problems: [],
  },
  {
    method: 'GET',
    path: '/health/ready',
    id: 'ready',
    role: 'public',
    tag: 'service',
    summary: 'Whether links can be made.',
    answer: 'ReadyResponse',
    problems: ['not-ready'],
  },
  {
    method: 'GET',
    path: '/metrics',
    id: 'metrics',
    tag: 'service',
    summary: 'Figures for Prometheus, in its text format; docs/metrics.md lists them.',
    answer: 'text',
    problems: [],
  },
] as const;
