/** Keeps ports of this device mapped at its router: `PortMapper` in the real world. */
import { BoundedMap, deadline, MachineDriver, randomBytes, sleep } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { PCP_NONCE_BYTES } from '../../port-mapping/pcp-message.ts'
import { PortMapper } from '../../port-mapping/port-mapper.ts'
import { MAPPING_PROTOCOLS, PortMappingError } from '../../port-mapping/router-mapping.ts'
import { findRouter } from './router-search.ts'
import type { Clock, Random } from '@skein/core'
import type { PortMapperEffect } from '../../port-mapping/port-mapper.ts'
import type { PortMappingCounters } from '../../port-mapping/port-mapping-counters.ts'
import type { MappingProblem, MappingProtocol, RouterMapping } from '../../port-mapping/router-mapping.ts'
import type { PcpClientInit } from './pcp-client.ts'
import type { RouterClient } from './router-client.ts'

export interface PortMappingOptions {
  /**
   * By which protocols the router is asked. PCP is tried before NAT-PMP, and that before UPnP, for which a question goes to the whole network.
   *
   * @default all three
   */
  protocols?: readonly MappingProtocol[]
  /** IPv4 address of the router that is asked by PCP and NAT-PMP @default that of the default route */
  router?: string
  /**
   * How long a mapping lives that is not renewed, ms: so long the port stays open after a crash. A shorter life asks more often.
   *
   * @default 3_600_000
   */
  lifetimeMs?: number
}

export interface PortMappingInit extends PortMappingOptions, Partial<Pick<PcpClientInit, 'nonceOf'>> {
  /** Others can come in there now, if nothing else is in their way */
  onOpened?: (mapping: RouterMapping) => void
  /** … and no more */
  onClosed?: (mapping: RouterMapping) => void
  /** The router was asked to map or to renew a port, and did not; it is asked again */
  onFailed?: (port: number, problem: MappingProblem) => void
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

const MIN_LIFETIME_MS = 120_000
const MAX_LIFETIME_MS = 86_400_000
/** For one question with all that belongs to it, the search for the router among that, ms. */
const MAP_TIMEOUT_MS = 30_000
const LOOK_TIMEOUT_MS = 10_000
/** Mappings that are taken away hold nobody up for longer, ms: they end by themselves. */
const UNMAP_TIMEOUT_MS = 2_000
/** Of ports that were mapped; four are at a time. */
const MAX_NONCES = 64
/** The most telling first: why nothing is mapped where several protocols failed. */
const TELLING: readonly MappingProblem[] = ['double_nat', 'no_external_address', 'full', 'refused', 'silent', 'no_router']

export class PortMapping {
  private readonly init: PortMappingInit & Required<Pick<PortMappingInit, 'protocols' | 'lifetimeMs' | 'nonceOf' | 'clock' | 'random'>>
  private readonly machine = new PortMapper()
  private readonly driver: MachineDriver<PortMapperEffect, PortMapper>
  /** Questions under way that put mappings into the router's table or take them out */
  private readonly writing = new Set<Promise<void>>()
  /** Those of the router that was found, and of this network; another network has others */
  private clients: Promise<RouterClient[]> | undefined
  private network = new AbortController()
  private readonly stopping = new AbortController()

  /** @throws {RangeError} when an option makes no sense */
  constructor (init: PortMappingInit = {}) {
    const { protocols = MAPPING_PROTOCOLS, lifetimeMs = 3_600_000, clock = systemClock(), random = systemRandom() } = init
    if (!(lifetimeMs >= MIN_LIFETIME_MS && lifetimeMs <= MAX_LIFETIME_MS)) {
      throw new RangeError(`A mapping lives from ${MIN_LIFETIME_MS} to ${MAX_LIFETIME_MS} ms, not ${lifetimeMs}`)
    }
    if (protocols.length === 0 || protocols.some(protocol => !MAPPING_PROTOCOLS.includes(protocol))) {
      throw new RangeError(`A router is asked by ${MAPPING_PROTOCOLS.join(', ')}, not by ${protocols.join(', ') || 'none'}`)
    }
    this.init = { nonceOf: nonces(random), ...init, protocols, lifetimeMs, clock, random }
    this.driver = new MachineDriver<PortMapperEffect, PortMapper>({ machine: this.machine, clock, perform: effect => { this.perform(effect) } })
  }

  get mappings (): RouterMapping[] {
    return this.machine.mappings
  }

  /** Why a port is not mapped; `undefined` while that was not found out. */
  get problem (): MappingProblem | undefined {
    return this.machine.problem
  }

  get counters (): PortMappingCounters {
    return this.machine.counters
  }

  /** The ports of TCP that are to be mapped, four at most; none gives all up. */
  setPorts (ports: readonly number[]): void {
    this.driver.input((machine, nowMs) => { machine.setPorts(ports, nowMs) })
  }

  /** This device has other addresses than before. */
  networkChanged (): void {
    this.network.abort(new Error('This device is in another network'))
    this.network = new AbortController()
    this.clients = undefined
    this.driver.input((machine, nowMs) => { machine.onNetworkChanged(nowMs) })
  }

  /** Has the router take away what it mapped; waits two seconds at most. */
  async stop (): Promise<void> {
    this.setPorts([])
    // who is still looking for a router has mapped nothing
    this.stopping.abort(new Error('Ports are mapped no more'))
    const enough = new AbortController()
    const late = sleep(this.init.clock, UNMAP_TIMEOUT_MS, { signal: enough.signal }).catch(() => {})
    await Promise.race([this.written(), late])
    enough.abort()
    this.driver.stop()
    this.network.abort(new Error('Ports are mapped no more'))
  }

  /** One that is mapped too late is taken away again. */
  private async written (): Promise<void> {
    while (this.writing.size > 0) {
      await Promise.all(this.writing)
    }
  }

  private perform (effect: PortMapperEffect): void {
    switch (effect.type) {
      case 'map':
        this.write(this.map(effect))
        break
      case 'look':
        void this.look(effect.mapping)
        break
      case 'unmap':
        this.write(this.unmap(effect.mapping))
        break
      case 'opened':
        this.init.onOpened?.(effect.mapping)
        break
      case 'closed':
        this.init.onClosed?.(effect.mapping)
        break
    }
  }

  private write (question: Promise<void>): void {
    const writing = question.finally(() => this.writing.delete(writing))
    this.writing.add(writing)
  }

  private async map ({ port, externalPort }: { port: number, externalPort: number }): Promise<void> {
    const { signal } = this.network
    const limit = deadline(this.init.clock, MAP_TIMEOUT_MS, [signal])
    try {
      const mapping = await this.mapBy(await this.find(), port, externalPort, limit.signal)
      if (!signal.aborted) {
        this.driver.input((machine, nowMs) => { machine.onMapped(port, mapping, nowMs) })
      }
    } catch (error) {
      // asked in a network that is no more: the machine has asked anew
      if (!signal.aborted) {
        this.clients = undefined
        const problem = error instanceof PortMappingError ? error.problem : 'silent'
        this.driver.input((machine, nowMs) => { machine.onFailed(port, problem, nowMs) })
        this.init.onFailed?.(port, problem)
      }
    } finally {
      limit.clear()
    }
  }

  /** @throws {PortMappingError} the most telling one, when none does it */
  private async mapBy (clients: readonly RouterClient[], internalPort: number, externalPort: number, signal: AbortSignal): Promise<RouterMapping> {
    const failures: PortMappingError[] = []
    for (const client of clients) {
      try {
        return await client.map({ internalPort, externalPort, lifetimeMs: this.init.lifetimeMs }, signal)
      } catch (error) {
        if (!(error instanceof PortMappingError)) {
          throw error
        }
        failures.push(error)
      }
    }
    throw failures.sort((a, b) => TELLING.indexOf(a.problem) - TELLING.indexOf(b.problem))[0] as PortMappingError
  }

  private async look (mapping: RouterMapping): Promise<void> {
    const { signal } = this.network
    const limit = deadline(this.init.clock, LOOK_TIMEOUT_MS, [signal])
    try {
      const client = await this.clientOf(mapping)
      const sight = await client.look(mapping, limit.signal)
      this.driver.input((machine, nowMs) => { machine.onSight(sight, nowMs) })
    } catch {
      this.driver.input((machine, nowMs) => { machine.onNotSeen(nowMs) })
    } finally {
      limit.clear()
    }
  }

  private async unmap (mapping: RouterMapping): Promise<void> {
    const limit = deadline(this.init.clock, UNMAP_TIMEOUT_MS, [this.network.signal])
    try {
      const client = await this.clientOf(mapping)
      await client.unmap(mapping, limit.signal)
    } catch {
      // it ends by itself
    } finally {
      limit.clear()
    }
  }

  private async clientOf ({ protocol }: RouterMapping): Promise<RouterClient> {
    const client = (await this.find()).find(one => one.protocol === protocol)
    if (client === undefined) {
      throw new PortMappingError('silent', `The router does not speak ${protocol} any more`)
    }
    return client
  }

  /** Once for all who ask meanwhile. */
  private async find (): Promise<RouterClient[]> {
    const { protocols, router, clock, random, nonceOf } = this.init
    const signal = AbortSignal.any([this.network.signal, this.stopping.signal])
    const clients = this.clients ??= findRouter({ protocols, ...router === undefined ? {} : { router }, clock, random, nonceOf, signal })
    try {
      return await clients
    } catch (error) {
      if (this.clients === clients) {
        this.clients = undefined
      }
      throw error
    }
  }
}

function nonces (random: PortMappingInit['random'] & object): (port: number) => Uint8Array {
  const made = new BoundedMap<number, Uint8Array>({ maxSize: MAX_NONCES })
  return port => {
    const nonce = made.get(port) ?? randomBytes(random, PCP_NONCE_BYTES)
    made.set(port, nonce)
    return nonce
  }
}
