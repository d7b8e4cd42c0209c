/**
 * One client of the load: a libp2p node with transports, noise, yamux and identify and nothing else. It speaks the seed protocol as a peer does, but
 * checks one signature of an answer instead of all: on a machine that it shares with the seed, checking 20 costs more than the seed takes to answer.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { pbStream } from '@libp2p/utils'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { randomBelow } from '@skein/core'
import { systemClock } from '@skein/core/system'
import {
  MAX_CAPABILITIES_LIFE_MS, MAX_SEED_MESSAGE_BYTES, openCapabilities, PROTOCOLS, SeedRequest, SeedResponse, signCapabilities
} from '@skein/records'
import { createLibp2p } from 'libp2p'
import type { Connection, Libp2p, PrivateKey } from '@libp2p/interface'
import type { Random } from '@skein/core'
import type { Outcome } from './load-message.ts'

const clock = systemClock()
const DIAL_TIMEOUT_MS = 20_000
const ANSWER_TIMEOUT_MS = 10_000
const REGIONS = ['us-central', 'us-east', 'eu-west', 'eu-north', 'ap-southeast', 'ap-northeast']
const MODELS = Array.from({ length: 20 }, (_, i) => `model-${i}:8b`)
const PEERS_WANTED = 20
const NOTHING_WANTED: Omit<SeedRequest, 'capabilities'> = { wantPeers: 0, wantModels: 0, wantRelays: 0, proofs: [], connections: 0 }

export class LoadClient {
  /** When the seed wants to hear of it again, ms of `performance.now()` */
  renewAtMs = Infinity
  private readonly node: Libp2p
  private readonly privateKey: PrivateKey
  private readonly random: Random
  private readonly host: string
  private connection?: Connection

  private constructor (node: Libp2p, privateKey: PrivateKey, random: Random) {
    this.node = node
    this.privateKey = privateKey
    this.random = random
    this.host = `10.${randomBelow(random, 256)}.${randomBelow(random, 256)}.1`
  }

  static async start (random: Random): Promise<LoadClient> {
    const privateKey = await generateKeyPair('Ed25519')
    const node = await createLibp2p({
      privateKey,
      addresses: { listen: [] },
      transports: [tcp(), webSockets()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      connectionGater: { denyDialMultiaddr: () => false },
      services: { identify: identify() }
    })
    return new LoadClient(node, privateKey, random)
  }

  get isConnected (): boolean {
    return this.connection?.status === 'open'
  }

  async connect (address: string, outcome: Outcome): Promise<boolean> {
    return await this.timed(outcome, outcome.connectMs, 'connect', async () => {
      this.connection = await this.node.dial(multiaddr(address), { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) })
      return undefined
    })
  }

  async register (outcome: Outcome): Promise<boolean> {
    const startMs = performance.now()
    return await this.timed(outcome, outcome.registerMs, 'register', async () => {
      const { refused, lifeMs, retryAfterMs, peers } = await this.ask({ capabilities: await this.signSelf(), wantPeers: PEERS_WANTED })
      this.renewAtMs = startMs + Math.max(lifeMs / 2, retryAfterMs)
      await checkFirst(peers)
      return refused === '' ? undefined : refused
    })
  }

  async discover (outcome: Outcome): Promise<boolean> {
    return await this.timed(outcome, outcome.discoverMs, 'discover', async () => {
      const { page } = await this.ask({ discover: { model: this.anyOf(MODELS), near: this.anyOf(REGIONS), minTier: 3 } })
      if (page == null || page.refused !== '') {
        return page?.refused ?? 'no page'
      }
      await checkFirst(page.peers)
      return page.peers.length === 0 ? 'empty page' : undefined
    })
  }

  async leave (): Promise<void> {
    await this.connection?.close().catch(() => {})
    this.connection = undefined
    this.renewAtMs = Infinity
  }

  /** What `work` says went wrong, or throws, is counted in place of its time. */
  private async timed (outcome: Outcome, times: number[], what: string, work: () => Promise<string | undefined>): Promise<boolean> {
    const startMs = performance.now()
    let failure: string | undefined
    try {
      failure = await work()
    } catch (error) {
      failure = (error as Error).name
    }
    if (failure === undefined) {
      times.push(performance.now() - startMs)
      return true
    }
    const key = `${what}: ${failure}`
    outcome.failures[key] = (outcome.failures[key] ?? 0) + 1
    return false
  }

  private async ask (request: Partial<SeedRequest>): Promise<SeedResponse> {
    if (this.connection == null || !this.isConnected) {
      throw new DOMException('The connection is gone', 'Disconnected')
    }
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const stream = await this.connection.newStream(PROTOCOLS.seed, { signal })
    try {
      const messages = pbStream(stream, { maxDataLength: MAX_SEED_MESSAGE_BYTES })
      await messages.write({ ...NOTHING_WANTED, ...request }, SeedRequest, { signal })
      const response = await messages.read(SeedResponse, { signal })
      await stream.close({ signal })
      return response
    } catch (error) {
      stream.abort(error as Error)
      throw error
    }
  }

  private async signSelf (): Promise<Uint8Array<ArrayBuffer>> {
    const nowMs = Math.floor(clock.nowMs())
    const { envelope } = await signCapabilities({
      peer: this.node.peerId.toString(),
      addresses: [`/ip4/${this.host}/tcp/7310`],
      chipFamily: 'amd', chipName: 'AMD Ryzen 9 7950X', ramBytes: 2 ** 36, vramBytes: 2 ** 34, memoryBandwidthGBPerSecond: 83,
      tier: 2, gpuBackend: 'cuda', platform: 'linux', region: this.anyOf(REGIONS), onMainsPower: true,
      loadedModels: [this.anyOf(MODELS), this.anyOf(MODELS)].filter((model, i, all) => all.indexOf(model) === i), swappableModels: [],
      maxConcurrent: 4, queueDepth: 0, effectiveContext: 32_768, priceMicros: 0, tasks: ['chat'],
      seq: nowMs, issuedAtMs: nowMs, expiresAtMs: nowMs + MAX_CAPABILITIES_LIFE_MS
    }, this.privateKey)
    return Uint8Array.from(envelope)
  }

  private anyOf (names: string[]): string {
    return names[randomBelow(this.random, names.length)] as string
  }
}

/** @throws {RecordError} */
async function checkFirst ([envelope]: Uint8Array[]): Promise<void> {
  if (envelope !== undefined) {
    await openCapabilities(envelope, clock.nowMs())
  }
}
