/** `skein reputation` as a user runs it: a process, files, exit statuses. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { countersignReceipt, joinReceipts, signReceipt } from '@skein/records'
import { ReputationLedger } from '@skein/reputation'
import { openReputationStore } from '@skein/reputation/node'
import { expect } from 'chai'
import { SkeinProcess } from './skein-process.ts'
import type { SkeinEvent } from './skein-process.ts'

describe('skein reputation', function () {
  this.timeout(60_000)
  let folder: string
  let good: string
  let bad: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skein-reputation-cli-'))
    const keys = await Promise.all([1, 2, 3].map(async () => await generateKeyPair('Ed25519')))
    const names = keys.map(key => peerIdFromPrivateKey(key).toString())
    const [me] = names as [string]
    ;[good, bad] = names.slice(1) as [string, string]
    const nowMs = Date.now() - 2 * 86_400_000
    const ledger = new ReputationLedger({ self: me })
    for (let i = 0; i < 8; i++) {
      const isGood = i % 2 === 0
      const first = await signReceipt({
        kind: 'inference', requestId: i.toString(16).padStart(32, '0'), provider: isGood ? good : bad, consumer: me, outcome: isGood ? 'complete' : 'truncated',
        path: 'direct', bytes: 900, model: 'm', tokensIn: 1, tokensOut: 7, durationMs: 10, issuedAtMs: nowMs + i, expiresAtMs: nowMs + 30 * 86_400_000
      }, keys[0]!)
      ledger.onReceipt(joinReceipts([first, await countersignReceipt(first, keys[isGood ? 1 : 2]!)]), nowMs + i)
    }
    const store = await openReputationStore({ path: join(folder, 'data', 'reputation') })
    await store.save(ledger.changes.take())
    await store.close()
  })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  async function skein (...args: string[]): Promise<{ code: number | null, events: SkeinEvent[], stderr: string }> {
    const child = new SkeinProcess(['reputation', ...args])
    const { code } = await child.exit()
    return { code, events: child.events, stderr: child.stderr }
  }

  it('lists the highest scores first, and says why they are so', async () => {
    const listed = await skein('--data-dir', join(folder, 'data'))
    expect(listed.events.map(({ event, peer }) => [event, peer])).to.deep.equal([['standing', good], ['standing', bad], ['listed', undefined]])
    expect(listed.events[0]?.score).to.be.above(0.3)
    expect(listed.events[1]?.score).to.be.below(0.2)
    const shown = await skein('show', bad, '--data', join(folder, 'data'))
    expect(shown.events.map(({ event }) => event)).to.deep.equal(['explanation', 'receipt', 'receipt', 'receipt', 'receipt'])
    expect(shown.events[0]?.reasons[0]).to.match(/^4 dealings since 2\.0 days ago/)
    expect(shown.events[1]?.signed).to.deep.equal(['provider', 'consumer'])
  })

  it('takes it to another folder, whole or not at all', async () => {
    const [data, moved, file] = [join(folder, 'data'), join(folder, 'moved'), join(folder, 'out.jsonl')]
    expect((await skein('export', file, '--data-dir', data)).code).to.equal(0)
    expect((await skein('import', file, '--data-dir', moved)).code).to.equal(0)
    expect((await skein('list', '--data-dir', moved)).events.map(({ peer }) => peer)).to.deep.equal([good, bad, undefined])

    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('"counted":4', '"counted":9'))
    const refused = await skein('import', file, '--data-dir', moved)
    expect([refused.code, refused.events.at(-1)?.name]).to.deep.equal([1, 'LedgerImportError'])
    expect((await skein('list', '--data-dir', moved)).events).to.have.length(3)
  })

  it('fails with what to do: an unknown peer, a file that is not there, a store in use, a wrong word', async () => {
    const data = join(folder, 'data')
    const unknown = await skein('show', '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB', '--data-dir', data)
    expect([unknown.code, unknown.events.at(-1)?.name]).to.deep.equal([1, 'UnknownPeerError'])
    expect((await skein('import', join(folder, 'none'), '--data-dir', data)).code).to.equal(1)
    const store = await openReputationStore({ path: join(data, 'reputation') })
    const inUse = await skein('list', '--data-dir', data)
    await store.close()
    expect([inUse.code, inUse.events.at(-1)?.name]).to.deep.equal([1, 'ReputationStoreError'])
    expect(inUse.stderr).to.contain('open in another process')
    expect((await skein('forget')).code).to.equal(2)
  })
})
