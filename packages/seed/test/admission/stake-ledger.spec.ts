import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import fc from 'fast-check'
import { ledgerAuthority, NO_PREVIOUS, readStakeLedger, StakeLedgerError, stakeLine } from '../../src/node/index.ts'
import type { PrivateKey } from '@libp2p/interface'

const NOW_MS = 1_800_000_000_000

describe('a ledger of stakes', () => {
  let key: PrivateKey
  let peers: string[]
  let text: string

  before(async () => {
    key = await generateKeyPair('Ed25519')
    peers = await Promise.all(Array.from({ length: 3 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()))
    text = ''
    for (const [peer, amount] of [[0, 10], [1, 20], [0, 30], [2, 5]] as const) {
      text += await line(peers[peer] as string, amount)
    }
  })

  async function line (peer: string, amount: number, signer = key): Promise<string> {
    const before = await readStakeLedger(text, ledgerAuthority(key))
    return await stakeLine({ peer, amount, unit: 'EUR', untilMs: NOW_MS + 1_000 }, before, signer, NOW_MS)
  }

  async function problem (changed: string, before?: string): Promise<string> {
    const authority = ledgerAuthority(key)
    try {
      await readStakeLedger(changed, authority, before === undefined ? undefined : await readStakeLedger(before, authority))
      return 'none'
    } catch (error) {
      expect(error).to.be.instanceOf(StakeLedgerError)
      return `${(error as StakeLedgerError).problem} in line ${(error as StakeLedgerError).line}`
    }
  }

  it('says what is staked: of each peer the last entry', async () => {
    const { stakes, entries } = await readStakeLedger(text, ledgerAuthority(key))
    expect(entries).to.equal(4)
    expect(peers.map(peer => stakes.get(peer)?.amount)).to.deep.equal([30, 20, 5])
  })

  it('is begun with nothing in it', async () => {
    expect(await readStakeLedger('', ledgerAuthority(key))).to.deep.include({ entries: 0, head: NO_PREVIOUS })
  })

  it('shows that an entry was changed, taken out, moved, put in by somebody else, or signed by another', async () => {
    const lines = text.trimEnd().split('\n')
    expect(await problem(text.replace('"amount":10', '"amount":99'))).to.equal('signature in line 1')
    expect(await problem(lines.filter((_, i) => i !== 1).join('\n'))).to.equal('chain in line 2')
    expect(await problem([lines[1], lines[0], ...lines.slice(2)].join('\n'))).to.equal('chain in line 1')
    expect(await problem(text + await line(peers[0] as string, 1_000, await generateKeyPair('Ed25519')))).to.equal('signature in line 5')
    expect(await problem(`${text}{"seq":5}\n`)).to.equal('malformed in line 5')
    expect(await problem(`${text}null\n`)).to.equal('malformed in line 5')
  })

  it('shows to one who has seen it that its end is gone, or is another', async () => {
    const shorter = text.split('\n').slice(0, 3).join('\n')
    expect(await problem(shorter)).to.equal('none')
    expect(await problem(shorter, text)).to.equal('rolled_back in line 3')
    expect(await problem(text, text)).to.equal('none')
    expect(await problem(text + await line(peers[1] as string, 0), text)).to.equal('none')
  })

  it('never takes a ledger of which a character was changed for another', async () => {
    const whole = await readStakeLedger(text, ledgerAuthority(key))
    await fc.assert(fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 33, max: 126 }), async (at, code) => {
      const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
      const read = await readStakeLedger(changed, ledgerAuthority(key)).catch((error: unknown) => error)
      expect(read instanceof StakeLedgerError || JSON.stringify([...(read as typeof whole).stakes]) === JSON.stringify([...whole.stakes])).to.equal(true)
    }), { numRuns: 100 })
  })
})
