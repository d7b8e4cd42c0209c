/** A super-node as a volunteer runs it: by a configuration, with its control port, its metrics, and an orderly end. */
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { systemClock } from '@skein/core/system'
import { publicNetwork } from '@skein/peer'
import { openSystemTable } from '@skein/supernode/node'
import { Registry } from 'prom-client'
import { createSuperNode } from '../../super-node/create-super-node.ts'
import { openHttpPort } from '../http-port.ts'
import { listenFailure } from '../listen-error.ts'
import { openControlPort } from './control-port.ts'
import { superNodeMetrics } from './super-node-metrics.ts'
import type { VolunteerQuota } from '@skein/supernode'
import type { SystemTable } from '@skein/supernode/node'
import type { SuperNodeConfig } from '../../config/super-node-options.ts'
import type { SuperNodeInit } from '../../super-node/create-super-node.ts'
import type { MediaIngestInit } from '../../super-node/media-ingest.ts'
import type { SuperNode } from '../../super-node/super-node.ts'
import type { SuperNodeState } from '../../super-node/super-node-state.ts'
import type { HttpPort } from '../http-port.ts'
import type { ControlPort } from './control-port.ts'

export interface SuperNodeProcessInit {
  config: SuperNodeConfig
  /** What a test changes @default {} */
  node?: Partial<SuperNodeInit>
  onState?: (state: SuperNodeState) => void
  /** Told, in words for a person, of what was damaged or cannot be saved */
  onProblem?: (message: string) => void
  /** Somebody asked for a drain at the control port, and it has begun */
  onDrain?: () => void
  /** Ends the start when it fires */
  signal?: AbortSignal
}

/** What hangs then is left to the end of the process, ms. */
const STOP_TIMEOUT_MS = 5_000

/**
 * @throws {SeedListenError} when a port cannot be opened
 * @throws {SystemTableError} when the table of systems cannot be read
 * @throws {StunListenError} when the port of STUN cannot be had
 * @throws what `createSuperNode` throws
 */
export async function startSuperNodeProcess (init: SuperNodeProcessInit): Promise<SuperNodeProcess> {
  const started = new SuperNodeProcess(init)
  try {
    await started.start()
  } catch (error) {
    await started.stop()
    throw error
  }
  return started
}

export class SuperNodeProcess {
  private readonly init: SuperNodeProcessInit
  private running?: SuperNode
  private control?: ControlPort
  private http?: HttpPort
  private systems?: SystemTable
  private draining?: Promise<void>
  private stopping?: Promise<void>

  constructor (init: SuperNodeProcessInit) {
    this.init = init
  }

  get node (): SuperNode {
    if (this.running === undefined) {
      throw new Error('The super-node does not run')
    }
    return this.running
  }

  /** `http://HOST:PORT`, when the configuration asks for it. */
  get metricsUrl (): string | undefined {
    return this.http?.url
  }

  async start (): Promise<void> {
    const { config, node: changes, onState, onProblem = () => {}, onDrain, signal } = this.init
    const registry = new Registry()
    const systems = this.systems = await openSystemTable(config.asnFile, {
      networkOf: publicNetwork, onFailure: ({ message }) => { onProblem(message) }
    })
    const node = this.running = await createSuperNode({
      bootstrap: config.seeds,
      listen: config.listen,
      announce: config.announce.length === 0 ? undefined : config.announce,
      region: config.region,
      dataDir: config.data,
      quota: quotaOf(config),
      relay: { maxReservations: config.reservations, maxCircuits: config.reservations },
      maxConnections: config.maxConnections,
      trustedNetworks: config.trustedNetworks,
      networkOf: systems.networkOf,
      stun: config.stunPort ?? false,
      media: config.media && mediaOf(config),
      reachability: { portMapping: config.portMapping === 'off' ? false : {} },
      metrics: config.metrics === undefined
        ? undefined
        : prometheusMetrics({ registry, collectDefaultMetrics: false, preserveExistingMetrics: true }),
      onDamage: onProblem,
      onProblem,
      onSeedNameFailure: ({ message }) => { onProblem(message) },
      signal,
      ...changes
    }).catch(listenFailure)
    node.addEventListener('state:changed', ({ detail }) => { onState?.(detail) })
    this.control = await openControlPort({
      folder: config.data,
      status: () => node.status(),
      drain: () => {
        if (this.draining === undefined) {
          void this.drain()
          onDrain?.()
        }
      }
    })
    if (config.metrics !== undefined) {
      this.http = await openHttpPort({
        endpoint: config.metrics,
        option: '--metrics',
        metrics: superNodeMetrics({ status: () => node.status(), inbound: () => node.inbound, services: () => node.peer.meshServices }, registry),
        health: () => ({ ok: true, body: { status: 'ok' } }),
        ready: () => ({ ok: node.state.state === 'candidate' || node.state.state === 'elected', body: { status: node.state.state } })
      })
    }
  }

  /** No new circuits; resolves when those who are here have gone, or the time of the configuration is over. Safe to call twice. */
  async drain (): Promise<void> {
    this.draining ??= this.node.drain({ deadlineMs: this.init.config.drain * 1_000 })
    await this.draining
  }

  async stop (): Promise<void> {
    this.stopping ??= this.shutDown()
    await this.stopping
  }

  private async shutDown (): Promise<void> {
    this.systems?.close()
    const clock = systemClock()
    let cancel = (): void => {}
    const over = new Promise<void>(resolve => { cancel = clock.schedule(clock.nowMs() + STOP_TIMEOUT_MS, resolve) })
    await Promise.race([Promise.allSettled([this.control?.stop(), this.http?.stop(), this.running?.stop()]), over])
    cancel()
  }
}

/** The ingest of a volunteer, its stream ids beside what it has carried. */
function mediaOf (config: SuperNodeConfig): MediaIngestInit {
  return {
    dataFolder: config.data,
    host: config.mediaHost,
    srtlaPort: config.mediaSrtlaPort,
    publisherPort: config.mediaPublisherPort,
    playerPort: config.mediaPlayerPort,
    apiPort: config.mediaApiPort,
    statsPort: config.mediaStatsPort,
    linkStatsPort: config.mediaLinkStatsPort,
    maxIngests: config.mediaStreams
  }
}

/** What a volunteer gives, as the limits take it. */
export function quotaOf ({ perDay, perMonth, bandwidth, cpu, schedule, timeZone }: SuperNodeConfig): VolunteerQuota {
  return {
    bytesPerDay: perDay,
    bytesPerMonth: perMonth,
    bytesPerSecond: bandwidth,
    cpuShare: cpu,
    schedule,
    timeZone: timeZone === 'local' ? Intl.DateTimeFormat().resolvedOptions().timeZone : timeZone
  }
}
