/** Has others dial this peer back, seeds first, and counts for each address who came. */
import { isRelayed, PROTOCOLS } from '@skein/records'
import { DeadlineError } from '@skein/core'
import { addressesToTry } from './address-list.ts'
import type { Peer } from '@skein/peer'
import type { AddressFinding, ReachFindings } from '@skein/reachability'
import type { DialBackService } from '@skein/supernode/libp2p'

/** Some know whether a port is open; more of them only cost dials. */
const MAX_VERIFIERS = 4
/** A verifier gives each address 5 s. */
const ROUND_TIMEOUT_MS = 8_000

export interface DialBackRoundInit {
  peer: Peer
  dialBack: DialBackService
  list: readonly AddressFinding[]
  /** Peer ids: asked before others */
  seeds: readonly string[]
  /** For all of it; 8 s at most */
  timeoutMs: number
  signal: AbortSignal
}

export async function dialBackRound (init: DialBackRoundInit): Promise<Pick<ReachFindings, 'addresses' | 'verifiers'>> {
  const { peer, dialBack, list, seeds, timeoutMs, signal } = init
  const verifiers = await verifiersOf(peer, list, seeds)
  const tried = addressesToTry(list)
  if (verifiers.length === 0 || tried.length === 0) {
    return { addresses: list, verifiers: [] }
  }
  const said = new Map<string, Array<{ verifier: string, said: string }>>()
  // asked one by one: who dials an address in vain takes seconds, and would be given up with those that it has reached
  await Promise.all(tried.map(async address => {
    try {
      const [judged] = await dialBack.askDialBack([address], { verifiers, timeoutMs: Math.min(timeoutMs, ROUND_TIMEOUT_MS), signal })
      said.set(address, judged?.byVerifier ?? [])
    } catch (error) {
      if (!(error instanceof DeadlineError)) {
        throw error
      }
    }
  }))
  const count = (address: string, what: string): number => (said.get(address) ?? []).filter(one => one.said === what).length
  const answers = [...said.values()].flat()
  return {
    addresses: list.map(finding => ({ ...finding, reached: count(finding.address, 'reached'), failed: count(finding.address, 'failed') })),
    verifiers: verifiers.map(verifier => {
      const words = answers.filter(one => one.verifier === verifier).map(one => one.said)
      const isTried = words.some(word => word === 'reached' || word === 'failed')
      // one without a network of its own, as in a home, is not asked
      return { peer: verifier, ...isTried ? {} : { refusal: words[0] ?? 'not_here' } }
    })
  }
}

/** Connected, not from behind the same router, and able to dial back: seeds before others. */
async function verifiersOf ({ libp2p }: Peer, list: readonly AddressFinding[], seeds: readonly string[]): Promise<string[]> {
  const own = new Set(list.map(({ address }) => address.split('/')[2]))
  const able: string[] = []
  for (const connection of libp2p.getConnections()) {
    const peer = connection.remotePeer.toString()
    const isOwn = own.has(connection.remoteAddr.toString().split('/')[2])
    if (!isOwn && !isRelayed(connection) && !able.includes(peer)) {
      const known = await libp2p.peerStore.get(connection.remotePeer).catch(() => undefined)
      if (known?.protocols.includes(PROTOCOLS.dialBack) === true) {
        able.push(peer)
      }
    }
  }
  return able.sort((a, b) => Number(seeds.includes(b)) - Number(seeds.includes(a))).slice(0, MAX_VERIFIERS)
}
