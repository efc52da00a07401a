import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { FIGURES, type Figure, type FigureName } from './figures.js';

type Labels = Readonly<Record<string, string>>;
type Metric = Counter | Gauge | Histogram;

/** The figures of one process, all of them there from the start. */
export class FigureBook {
  private readonly registry = new Registry();
  private readonly metrics = new Map<FigureName, Metric>();

  constructor() {
    for (const [name, figure] of Object.entries<Figure>(FIGURES)) {
      this.metrics.set(name as FigureName, made(name, figure, this.registry));
    }
  }

  /** `by` is not negative. */
  count(name: FigureName, labels: Labels = {}, by = 1): void {
    const metric = this.metrics.get(name);
    if (metric instanceof Counter) metric.inc(labels, by);
  }

  /** The value of a gauge, or of a counter that is kept elsewhere. */
  set(name: FigureName, value: number, labels: Labels = {}): void {
    const metric = this.metrics.get(name);
    if (metric instanceof Gauge) metric.set(labels, value);
    if (metric instanceof Counter) {
      metric.remove(labels);
      metric.inc(labels, value);
    }
  }

  observe(name: FigureName, value: number, labels: Labels = {}): void {
    const metric = this.metrics.get(name);
    if (metric instanceof Histogram) metric.observe(labels, value);
  }

  /** Forgets the values of all labels: of a knowledge base that was removed, say. */
  clear(name: FigureName): void {
    this.metrics.get(name)?.reset();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}

function made(
  name: string,
  { kind, labels, help, buckets = [] }: Figure,
  registry: Registry,
): Metric {
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  if (kind === 'counter') return new Counter(options);
  return kind === 'gauge'
    ? new Gauge(options)
    : new Histogram({ ...options, buckets: [...buckets] });
}
