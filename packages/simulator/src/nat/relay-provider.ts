/** The providers of the models of a `RelayWorld`: as many of each at any time, each for as long as its device stays online, then another. */
import { drawDevice, hasPublicAddress } from './device-reach.ts'
import { normalFloat } from './normal-float.ts'
import type { Clock } from '@skein/core'
import type { QuantileTable } from '../engine/quantile-table.ts'
import type { RandomStream } from '../engine/random-stream.ts'
import type { Device, DeviceSkills } from './device-reach.ts'
import type { NatPopulation } from './nat-mix.ts'

export interface RelayProvider {
  peer: string
  /** Of all devices, callers among them */
  serial: number
  device: Device
  tokensPerSecond: number
  addresses: string[]
  isOnline: boolean
  /** Requests that it serves now */
  active: number
  /** Where it is reached through others */
  relays: readonly [number, number]
  /** Told when it goes offline */
  onGone: Set<() => void>
}

export interface RelayProvidersInit {
  models: number
  /** Of each model at any time */
  each: number
  population: NatPopulation
  skills: DeviceSkills
  relays: number
  /** Median, tokens/s, and the spread of its logarithm */
  speed: { median: number, spread: number }
  on: QuantileTable
  onRest: QuantileTable
  /** Devices by their serial numbers */
  random: RandomStream
  nextSerial: () => number
  clock: Clock
}

export class RelayProviders {
  private readonly init: RelayProvidersInit
  private readonly slots: RelayProvider[]

  constructor (init: RelayProvidersInit) {
    this.init = init
    this.slots = Array.from({ length: init.models * init.each }, (_, slot) => this.arrive(slot, init.onRest))
  }

  of (model: number): RelayProvider[] {
    return this.slots.slice(model * this.init.each, (model + 1) * this.init.each)
  }

  private arrive (slot: number, stays: QuantileTable): RelayProvider {
    const { clock, population, random, relays, skills, speed } = this.init
    const serial = this.init.nextSerial()
    const device = drawDevice(population, skills, random, serial)
    const first = Math.floor(random.float(serial, 6) * relays)
    const provider: RelayProvider = {
      peer: `p${serial}`,
      serial,
      device,
      tokensPerSecond: speed.median * Math.exp(speed.spread * normalFloat(random, serial, 7)),
      addresses: [
        ...hasPublicAddress(device) ? [device.nat === 'public' || device.isMapped ? '/ip4/203.0.113.7/tcp/4001' : '/ip6/2001:4860::7/tcp/4001'] : [],
        '/ip4/198.51.100.1/tcp/4001/p2p/relay/p2p-circuit'
      ],
      isOnline: true,
      active: 0,
      relays: [first, (first + 1) % relays],
      onGone: new Set()
    }
    clock.schedule(clock.nowMs() + stays.draw(random.uint32(serial, 30)), () => {
      this.slots[slot] = this.arrive(slot, this.init.on)
      provider.isOnline = false
      for (const gone of [...provider.onGone]) {
        gone()
      }
    })
    return provider
  }
}
