/** A device as the protocol's page describes it, for tests: shares no code with the seed. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { KeyObject } from 'node:crypto'

export interface DeviceClientInit {
  /** `{"register": {"_0": {…}}}`, as Swift writes it @default false */
  wrapped?: boolean
  /** Binary frames @default false */
  binary?: boolean
  query?: string
  /** @default a new one */
  key?: { publicKey: string, privateKey: KeyObject }
  capabilities?: Record<string, unknown>
}

export type Payload = Record<string, any>

export function newKey (): { publicKey: string, privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' }) as { x: string }
  return { publicKey: Buffer.from(x, 'base64url').toString('hex'), privateKey }
}

export function capabilitiesOf (changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    hardware: { chipFamily: 'm2', chipName: 'M2 Pro', totalRAMGB: 32, gpuCoreCount: 19, memoryBandwidthGBs: 200, tier: 2, gpuBackend: 'metal', platform: 'macOS' },
    loadedModels: ['llama-3.2-3b'],
    maxModelSizeGB: 24,
    isAvailable: true,
    ...changes
  }
}

export class DeviceClient {
  readonly nodeID: string
  readonly received: Array<{ kind: string, payload: Payload, binary: boolean, raw: string }> = []
  readonly socket: WebSocket
  closed?: { code: number, reason: string }
  private readonly init: DeviceClientInit
  private readonly privateKey: KeyObject
  private waiting: Array<() => void> = []

  private constructor (url: string, init: DeviceClientInit) {
    const { publicKey, privateKey } = init.key ?? newKey()
    this.nodeID = publicKey
    this.privateKey = privateKey
    this.init = init
    this.socket = new WebSocket(`${url}?node=${this.nodeID}${init.query ?? ''}`)
    this.socket.on('message', (data: Buffer, binary) => {
      const message = JSON.parse(data.toString()) as Record<string, Payload>
      const [kind = ''] = Object.keys(message)
      const payload = message[kind] as Payload
      this.received.push({ kind, payload: '_0' in payload ? payload._0 as Payload : payload, binary, raw: data.toString() })
      this.wake()
    })
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.wake()
    })
    this.socket.on('error', () => {})
  }

  static async open (url: string, init: DeviceClientInit = {}): Promise<DeviceClient> {
    const client = new DeviceClient(url, init)
    await Promise.race([
      once(client.socket, 'open'),
      once(client.socket, 'close').then(() => { throw new Error('refused') })
    ])
    return client
  }

  /** Open and registered. */
  static async register (url: string, init: DeviceClientInit = {}): Promise<DeviceClient> {
    const client = await DeviceClient.open(url, init)
    client.send('register', client.registration())
    await client.next('registerAck')
    return client
  }

  sign (text: string): string {
    return sign(null, Buffer.from(text), this.privateKey).toString('hex')
  }

  registration (changes: Payload = {}): Payload {
    return {
      nodeID: this.nodeID,
      publicKey: this.nodeID,
      displayName: 'a device',
      capabilities: capabilitiesOf(this.init.capabilities),
      signature: this.sign(this.nodeID),
      ...changes
    }
  }

  route (to: string, sessionID: string): { fromNodeID: string, toNodeID: string, sessionID: string } {
    return { fromNodeID: this.nodeID, toNodeID: to, sessionID }
  }

  signal (to: string, sessionID: string): Payload {
    return {
      ...this.route(to, sessionID),
      connectionInfo: { publicIP: '203.0.113.7', publicPort: 4433, localIP: '192.168.1.7', localPort: 51820, natType: 'portRestricted', wgPublicKey: null },
      signature: this.sign(`${this.nodeID}:${to}:${sessionID}`)
    }
  }

  send (kind: string, payload: unknown): void {
    this.raw(JSON.stringify({ [kind]: this.init.wrapped === true ? { _0: payload } : payload }))
  }

  raw (data: string | Uint8Array): void {
    this.socket.send(data, { binary: this.init.binary === true })
  }

  /** `relayData` with a message of the inner protocol. */
  say (to: string, sessionID: string, kind: string, payload: unknown): void {
    const inner = JSON.stringify({ [kind]: this.init.wrapped === true ? { _0: payload } : payload })
    this.send('relayData', { ...this.route(to, sessionID), data: Buffer.from(inner).toString('base64') })
  }

  /** The oldest message of this kind that has not been taken; waits for it. */
  async next (kind: string, fits: (payload: Payload) => boolean = () => true): Promise<Payload> {
    return (await this.take(kind, fits)).payload
  }

  async take (kind: string, fits: (payload: Payload) => boolean = () => true): Promise<{ kind: string, payload: Payload, binary: boolean, raw: string }> {
    for (;;) {
      const at = this.received.findIndex(message => message.kind === kind && fits(message.payload))
      if (at >= 0) {
        return this.received.splice(at, 1)[0]!
      }
      if (this.closed != null) {
        throw new Error(`closed (${this.closed.code} ${this.closed.reason}) while waiting for ${kind}`)
      }
      await new Promise<void>(resolve => { this.waiting.push(resolve) })
    }
  }

  /** The next message of the inner protocol in this session. */
  async heard (sessionID: string): Promise<{ kind: string, payload: Payload }> {
    const { data } = await this.next('relayData', payload => payload.sessionID === sessionID)
    const message = JSON.parse(Buffer.from(data as string, 'base64').toString()) as Record<string, Payload>
    const [kind = ''] = Object.keys(message)
    const payload = message[kind] as Payload
    return { kind, payload: '_0' in payload ? payload._0 as Payload : payload }
  }

  async whenClosed (): Promise<{ code: number, reason: string }> {
    while (this.closed == null) {
      await new Promise<void>(resolve => { this.waiting.push(resolve) })
    }
    return this.closed
  }

  close (): void {
    this.socket.terminate()
  }

  private wake (): void {
    for (const resolve of this.waiting.splice(0)) {
      resolve()
    }
  }
}
