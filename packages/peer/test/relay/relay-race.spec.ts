import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ManualClock, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { circuitsByRelay, raceRelays } from '../../src/relay/relay-race.ts'
import type { RelayRaceInit } from '../../src/relay/relay-race.ts'

const [one, two, target] = await Promise.all([0, 1, 2].map(async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString())) as [string, string, string]
const through = (relay: string, port = 1): string => `/ip4/127.0.0.1/tcp/${port}/p2p/${relay}/p2p-circuit`

/** Relays that answer when they are told to; what was dialled. */
function world (answering: Record<string, Promise<void>>): { init: RelayRaceInit, dialled: string[] } {
  const dialled: string[] = []
  const dial = async (addresses: unknown, { signal }: { signal: AbortSignal }): Promise<void> => {
    const text = String((addresses as unknown[])[0])
    dialled.push(text)
    const relay = text.includes('/p2p-circuit') ? undefined : Object.keys(answering).find(name => text.endsWith(name))
    await Promise.race([
      relay === undefined ? Promise.resolve() : answering[relay],
      new Promise((_, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error) }, { once: true }) })
    ])
  }
  const libp2p = { dial, getConnections: () => [], services: {} } as unknown as RelayRaceInit['libp2p']
  return { init: { libp2p, clock: new ManualClock(0), random: new SeededRandom(1) }, dialled }
}

describe('Dialling a peer that has several relays', () => {
  it('knows which addresses go through which', () => {
    expect([...circuitsByRelay([through(one), '/ip4/127.0.0.1/tcp/9', through(two), through(one, 2)])])
      .to.deep.equal([[one, [through(one), through(one, 2)]], [two, [through(two)]]])
  })

  it('goes through the one that answers, though the first does not', async () => {
    const { init, dialled } = world({ [one]: new Promise(() => {}), [two]: Promise.resolve() })
    await raceRelays(target, [through(one), through(two)], init, new AbortController().signal)
    expect(dialled.filter(address => address.includes('/p2p-circuit'))).to.deep.equal([`${through(two)}/p2p/${target}`])
  })

  it('is left to libp2p where there is one relay, or another way', async () => {
    const { init, dialled } = world({})
    await raceRelays(target, [through(one)], init, new AbortController().signal)
    await raceRelays(target, [through(one), through(two), '/ip4/127.0.0.1/tcp/9'], init, new AbortController().signal)
    expect(dialled).to.deep.equal([])
  })

  it('is left to libp2p when none answers, and ends when the call does', async () => {
    const { init } = world({ [one]: Promise.reject(new Error('gone')), [two]: Promise.reject(new Error('gone')) })
    await raceRelays(target, [through(one), through(two)], init, new AbortController().signal)
    const silent = world({ [one]: new Promise(() => {}), [two]: new Promise(() => {}) })
    const ending = new AbortController()
    const race = raceRelays(target, [through(one), through(two)], silent.init, ending.signal).then(() => 'left', (error: Error) => error.message)
    ending.abort(new Error('cancelled'))
    expect(await race).to.equal('cancelled')
  })
})
