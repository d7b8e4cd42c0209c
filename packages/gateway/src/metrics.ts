/** What a gateway counts and measures, for Prometheus. */
import type { InferenceEvent } from '@skein/inference'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Label values of `route`: few, whatever clients ask for. */
export type RouteLabel = 'chat/completions' | 'completions' | 'embeddings' | 'models' | 'health' | 'metrics' | 'other'

/** From a cached answer next door to a large prompt on a phone. */
const SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300]

export class GatewayMetrics {
  readonly registry: Registry
  readonly inFlight: Gauge
  readonly droppedConnections: Counter
  private readonly requests: Counter<'route' | 'status'>
  private readonly ttft: Histogram<'route'>
  private readonly duration: Histogram<'route'>
  private readonly tokens: Counter<'kind'>
  private readonly deltas: Counter
  private readonly attempts: Counter

  constructor (registry = new Registry()) {
    const registers = [registry]
    this.registry = registry
    this.requests = own(registry, 'skein_gateway_requests_total', (name) =>
      new Counter({ name, registers, labelNames: ['route', 'status'], help: 'Requests answered; 499 is a client that went away' }))
    this.ttft = own(registry, 'skein_gateway_ttft_seconds', (name) =>
      new Histogram({ name, registers, labelNames: ['route'], buckets: SECONDS, help: 'From the request to the first delta of its answer' }))
    this.duration = own(registry, 'skein_gateway_request_duration_seconds', (name) =>
      new Histogram({ name, registers, labelNames: ['route'], buckets: SECONDS, help: 'From the request to the end of its answer' }))
    this.tokens = own(registry, 'skein_gateway_tokens_total', (name) =>
      new Counter({ name, registers, labelNames: ['kind'], help: 'Tokens as the models\' servers counted them, prompt and completion' }))
    this.deltas = own(registry, 'skein_gateway_deltas_total', (name) =>
      new Counter({ name, registers, help: 'Pieces of answers that came in' }))
    this.attempts = own(registry, 'skein_gateway_attempts_total', (name) =>
      new Counter({ name, registers, help: 'Peers tried for the requests that were answered; above the answers by the fail-overs' }))
    this.inFlight = own(registry, 'skein_gateway_in_flight_requests', (name) =>
      new Gauge({ name, registers, help: 'Requests under way' }))
    this.droppedConnections = own(registry, 'skein_gateway_dropped_connections_total', (name) =>
      new Counter({ name, registers, help: 'Connections closed at once because there were too many' }))
  }

  onAnswered (route: RouteLabel, status: number, durationMs: number, attempts: number): void {
    this.requests.inc({ route, status: String(status) })
    this.duration.observe({ route }, durationMs / 1000)
    if (attempts > 0) {
      this.attempts.inc(attempts)
    }
  }

  onFirstDelta (route: RouteLabel, ttftMs: number): void {
    this.ttft.observe({ route }, ttftMs / 1000)
  }

  onEvent (event: InferenceEvent): void {
    if (event.type === 'delta' || event.type === 'tool') {
      this.deltas.inc()
    } else if (event.type === 'usage') {
      this.count('prompt', event.usage.prompt_tokens)
      this.count('completion', event.usage.completion_tokens)
    }
  }

  /** The server counts, and a server may be wrong. */
  private count (kind: 'prompt' | 'completion', tokens: unknown): void {
    if (typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens > 0) {
      this.tokens.inc({ kind }, tokens)
    }
  }
}

/** Two gateways of one process may share a registry, and so its metrics. */
function own<M> (registry: Registry, name: string, create: (name: string) => M): M {
  return registry.getSingleMetric(name) as M | undefined ?? create(name)
}

export function routeLabel (path: string): RouteLabel {
  const match = /^(?:.*?\/v1)?\/(chat\/completions|completions|embeddings|models|health|metrics)(?:\/|$)/.exec(path)
  return match?.[1] as RouteLabel | undefined ?? 'other'
}
