import { ManualClock, SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { TypedEventEmitter } from 'main-event'
import { CircuitReceipts } from '../../src/trust/circuit-receipts.ts'
import type { Connection } from '@libp2p/interface'
import type { RelayReceipt } from '@skein/records'

const RELAY = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const OTHER = '12D3KooWJ1TsijH7H5F74hfAD5XishQz3sxrmAtVY37GtNd9CqYf'

interface Circuit {
  id: string
  direction: 'inbound' | 'outbound'
  remoteAddr: string
  limits?: { bytes?: bigint, seconds?: number }
}

/** The circuits of a node, as libp2p would tell of them. */
class Node extends TypedEventEmitter<Record<'connection:open' | 'connection:close', CustomEvent<Connection>>> {
  readonly peerId = { toString: () => 'me' }
  readonly circuits: Circuit[] = []
  readonly due: RelayReceipt[] = []
  readonly clock = new ManualClock(1_000_000)
  readonly receipts: CircuitReceipts

  constructor (reachedThrough: string[] = []) {
    super()
    this.receipts = new CircuitReceipts({
      libp2p: this as never,
      isReachedThrough: relay => reachedThrough.includes(relay),
      onDue: facts => { this.due.push(facts) },
      lifeMs: 1000,
      clock: this.clock,
      random: new SeededRandom(1)
    })
  }

  getConnections (): Connection[] {
    return this.circuits as never
  }

  open (relay: string, direction: Circuit['direction'], limits?: Circuit['limits']): Circuit {
    const circuit = { id: String(this.circuits.length), direction, remoteAddr: `/ip4/127.0.0.1/tcp/1/p2p/${relay}/p2p-circuit/p2p/${OTHER}`, limits }
    this.circuits.push(circuit)
    this.safeDispatchEvent('connection:open', { detail: circuit as never })
    return circuit
  }

  close (circuit: Circuit): void {
    this.safeDispatchEvent('connection:close', { detail: circuit as never })
  }
}

describe('receipts for circuits', () => {
  it('count what is gone of the bytes that a relay allows, and are due a minute after the last circuit', () => {
    const node = new Node()
    const circuit = node.open(RELAY, 'outbound', { bytes: 100_000n })
    circuit.limits = { bytes: 60_000n }
    node.close(circuit)
    node.clock.advance(59_000)
    expect(node.due).to.deep.equal([])
    node.clock.advance(2_000)
    expect(node.due).to.have.length(1)
    expect(node.due[0]).to.deep.include({ kind: 'relay', provider: RELAY, consumer: 'me', bytes: 40_000, outcome: 'complete' })
    expect(node.due[0]?.requestId).to.match(/^[0-9a-f]{32}$/)
  })

  it('are not made for a relay through which a stranger came unasked, nor where no bytes are counted', () => {
    const node = new Node([RELAY])
    for (const circuit of [
      node.open(OTHER, 'inbound', { bytes: 100_000n }), node.open(RELAY, 'outbound', { seconds: 60 }), node.open(RELAY, 'outbound')
    ]) {
      circuit.limits = { ...circuit.limits, bytes: 0n }
      node.close(circuit)
    }
    node.receipts.stop()
    expect(node.due).to.deep.equal([])
    const wanted = new Node([RELAY])
    wanted.open(RELAY, 'inbound', { bytes: 100_000n }).limits = { bytes: 0n }
    wanted.receipts.stop()
    expect(wanted.due[0]?.bytes).to.equal(100_000)
  })
})
