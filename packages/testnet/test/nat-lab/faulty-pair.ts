/** A caller and a provider behind NATs, and what becomes of calls when something on the way breaks. */
import { expect } from 'chai'
import { LabMesh } from './lab-mesh.ts'
import { openLab } from './open-lab.ts'
import type { Context } from 'mocha'
import type { NatKind } from '../../src/nat-lab/index.ts'
import type { Caller, CallerLine, Provider, Relay } from './lab-mesh.ts'

/** Answers of the built-in model are slowed down to this, tokens/s, so that faults come in the middle of one. */
const PACE = 20
const TOKENS = 60
/** Some way into the answer. */
const UNDER_WAY_MS = 1_500
const FIND_LIMIT_MS = 15_000

export interface AfterFault {
  /** From the fault to the first piece of an answer to a call made after it, ms */
  answeredMs: number
  /** The answer that was under way */
  underWay: CallerLine
  /** From the fault to the end of that, ms */
  wholeMs: number
}

export class FaultyPair {
  readonly mesh: LabMesh
  readonly caller: Caller
  readonly provider: Provider
  /** SHA-256 of the text that is asked for, from an answer that nothing disturbed */
  private readonly expected: string

  private constructor (mesh: LabMesh, caller: Caller, provider: Provider, expected: string) {
    this.mesh = mesh
    this.caller = caller
    this.provider = provider
    this.expected = expected
  }

  static async start (suite: Context, kinds: { caller: NatKind, provider: NatKind }, relays = 1): Promise<FaultyPair> {
    const mesh = new LabMesh(await openLab(suite))
    try {
      await mesh.startStun()
      for (let i = 0; i < relays; i++) {
        await mesh.startRelay(`relay${i}`)
      }
      const isOpen = kinds.provider === 'public'
      const host = await mesh.lab.addHost('provider', kinds.provider)
      const provider = await mesh.startProvider(host, { relays: isOpen ? 0 : relays, pace: PACE })
      const caller = await mesh.startCaller(await mesh.lab.addHost('caller', kinds.caller))
      await caller.ask('find')
      const sinceMs = Date.now()
      let first = await caller.ask('call', String(TOKENS))
      while (first.error !== undefined && Date.now() - sinceMs < FIND_LIMIT_MS) {
        first = await caller.ask('call', String(TOKENS))
      }
      expect(first.error ?? '', first.error).to.equal('')
      return new FaultyPair(mesh, caller, provider, first.sha256 ?? '')
    } catch (error) {
      await mesh.close()
      throw error
    }
  }

  async close (): Promise<void> {
    await this.mesh.close()
  }

  /** How the provider is reached, `direct`, `punched` or `relayed`. */
  get path (): string | undefined {
    return this.caller.changesTo(this.provider.id).at(-1)?.to
  }

  /** The relay through which the answer under way comes. */
  async relayInUse (): Promise<Relay> {
    const { connections = [] } = await this.caller.ask('state')
    const circuit = connections.find(({ to, address, requests }) => to === this.provider.id && address.includes('/p2p-circuit') && requests > 0)
    const relay = this.mesh.relays.find(({ id }) => circuit?.address.includes(id))
    expect(relay, 'a circuit to the provider').to.not.equal(undefined)
    return relay as Relay
  }

  /** A fault in the middle of an answer: what becomes of that one, and of calls after it. */
  async suffer (fault: () => Promise<unknown>, limitMs: number): Promise<AfterFault> {
    const underWay = this.caller.ask('call', String(TOKENS))
    await pause(UNDER_WAY_MS)
    const from = this.path
    const faultMs = Date.now()
    await fault()
    const again = await this.answeredAgain(faultMs, limitMs)
    const answer = await underWay
    const wholeMs = answer.atMs - faultMs
    const fate = answer.error === undefined
      ? `was whole ${wholeMs} ms after the fault`
      : `failed: ${answer.error}`
    console.log(`      answered again after ${again.afterMs} ms (${from}, then ${again.path}); the answer under way ${fate}`)
    expect(again.error ?? '', again.error).to.equal('')
    return { answeredMs: again.afterMs, underWay: answer, wholeMs }
  }

  /** When the provider's offer was first seen to name an address, ms since the epoch. */
  async offered (address: string): Promise<number> {
    for (;;) {
      const { addresses = [], atMs } = await this.caller.ask('find')
      if (addresses.some(text => text.includes(`/${address}/`))) {
        return atMs
      }
      await pause(100)
    }
  }

  /** The answer is the one that an undisturbed call brings, to the last character. */
  expectWhole ({ error, sha256 }: CallerLine): void {
    expect(error ?? '', error).to.equal('')
    expect(sha256).to.equal(this.expected)
  }

  /** A call until one is answered, and how long that took since, ms. */
  private async answeredAgain (sinceMs: number, limitMs: number): Promise<CallerLine & { afterMs: number }> {
    for (;;) {
      const line = await this.caller.ask('call', '2')
      const afterMs = line.atMs - (line.tookMs ?? 0) + (line.firstMs ?? 0) - sinceMs
      if (line.error === undefined || Date.now() - sinceMs > limitMs) {
        return { ...line, afterMs }
      }
      await pause(100)
    }
  }
}

export async function pause (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}
