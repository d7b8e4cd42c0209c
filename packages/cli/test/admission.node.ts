/** Letting peers in by token and by stake, as an operator and a user do it: with `skein` and files. */
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { systemTableFile } from '../../supernode/test/system-table-file.ts'
import { SkeinProcess } from './skein-process.ts'
import type { SkeinEvent } from './skein-process.ts'

const LOOPBACK = ['--listen', '/ip4/127.0.0.1/tcp/0']

describe('skein credential and skein stake', function () {
  this.timeout(120_000)
  const running: SkeinProcess[] = []
  let folder: string

  before(async () => { folder = await mkdtemp(join(tmpdir(), 'skein-admission-')) })
  after(async () => { await rm(folder, { recursive: true, force: true }) })
  afterEach(async () => { await Promise.all(running.splice(0).map(async child => { await child.dispose() })) })

  const at = (name: string): string => join(folder, name)

  function start (...args: string[]): SkeinProcess {
    const child = new SkeinProcess(args)
    running.push(child)
    return child
  }

  async function done (...args: string[]): Promise<{ code: number | null, events: SkeinEvent[], stderr: string }> {
    const child = start(...args)
    const { code } = await child.exit()
    return { code, events: child.events, stderr: child.stderr }
  }

  async function keyOf (file: string): Promise<string> {
    return (await done('credential', 'key', '--key', at(file))).events[0]?.id as string
  }

  it('let in who has a token, tell one who has none where to get it, and drop the one whose token is revoked within 5 s', async () => {
    const authority = await keyOf('authority.key')
    const seed = start('seed', ...LOOPBACK, '--ephemeral', '--admission', 'token', '--token-authority', authority,
      '--token-revocations', at('revoked.txt'), '--admission-help', 'https://example.org/join')
    // the list has to be there
    expect((await seed.exit()).code).to.equal(1)
    expect(seed.stderr).to.include('revoked.txt')
    await writeFile(at('revoked.txt'), '# nobody yet\n')
    const again = start('seed', ...LOOPBACK, '--ephemeral', '--admission', 'token', '--token-authority', authority,
      '--token-revocations', at('revoked.txt'), '--admission-help', 'https://example.org/join', '--http', '127.0.0.1:0')
    const { addresses: [address], http } = await again.event('listening')
    const registrations = async (): Promise<number> => {
      const text = await (await fetch(`${http}/metrics`)).text()
      return [...text.matchAll(/^skein_seed_registrations\{[^}]*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
    }

    const peerId = await keyOf('peer/identity.key')
    const issued = await done('credential', 'issue', peerId, '--key', at('authority.key'), '--days', '30', '--note', 'lab', '--out', at('peer.credential'))
    expect(issued.events[0]).to.deep.include({ event: 'issued', subject: peerId })
    const shown = await done('credential', 'show', at('peer.credential'))
    expect(shown.events[0]).to.deep.include({ id: issued.events[0]?.id, subject: peerId, authority, note: 'lab', expired: false })

    const stranger = start('peer', ...LOOPBACK, '--ephemeral', '--seed', address)
    const { reason, unmet } = await stranger.event('seed-refusal')
    expect(reason).to.equal('not_admitted')
    expect(unmet[0]).to.deep.include({ rule: 'token', problem: 'missing', where: 'https://example.org/join' })
    const peer = start('peer', ...LOOPBACK, '--data', at('peer'), '--seed', address, '--credential', at('peer.credential'))
    await peer.event('ready')
    while (await registrations() !== 1) { /* until the seed has counted it */ }

    const revokedMs = Date.now()
    const revoked = await done('credential', 'revoke', at('peer.credential'), '--list', at('revoked.txt'), '--note', 'stolen')
    expect(revoked.events[0]).to.deep.include({ event: 'revoked', added: [issued.events[0]?.id] })
    await peer.event('seed-refusal', ({ unmet: rules }) => rules[0]?.problem === 'revoked')
    expect(await registrations()).to.equal(0)
    console.log(`      ${Date.now() - revokedMs} ms from the command to the peer's being told`)
    expect(await readFile(at('revoked.txt'), 'utf8')).to.equal(`# nobody yet\n${issued.events[0]?.id} # stolen\n`)
    expect((await done('credential', 'revoke', at('peer.credential'), '--list', at('revoked.txt'))).events[0]?.added).to.deep.equal([])
  })

  it('let in for whom enough is staked in a signed ledger, follow it, and refuse one that was tampered with', async () => {
    const authority = await keyOf('ledger.key')
    const peerId = await keyOf('staked/identity.key')
    const add = async (amount: string): Promise<SkeinEvent | undefined> => (await done('stake', 'add', peerId, '--ledger', at('stakes.jsonl'), '--key', at('ledger.key'),
      '--amount', amount, '--unit', 'EUR')).events[0]
    expect(await add('20')).to.deep.include({ event: 'staked', seq: 1 })
    const options = ['seed', ...LOOPBACK, '--ephemeral', '--admission', 'stake', '--stake-ledger', at('stakes.jsonl'), '--stake-authority', authority,
      '--min-stake', '50', '--stake-unit', 'EUR']
    const seed = start(...options)
    const { addresses: [address] } = await seed.event('listening')
    const peer = start('peer', ...LOOPBACK, '--data', at('staked'), '--seed', address)
    const { message } = await peer.event('seed-refusal', ({ unmet }) => unmet[0]?.problem === 'too_little')
    expect(message).to.equal('20 EUR are staked; at least 50 are needed')
    await peer.dispose()

    expect(await add('50')).to.deep.include({ seq: 2 })
    while (!seed.stderr.includes('read again')) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const admitted = start('peer', ...LOOPBACK, '--data', at('staked'), '--seed', address)
    await admitted.event('ready')
    const shown = await done('stake', 'show', '--ledger', at('stakes.jsonl'), '--authority', authority)
    expect(shown.events[0]).to.deep.include({ event: 'stake', peer: peerId, amount: 50, over: false })
    expect(shown.events[1]).to.deep.include({ event: 'ledger', entries: 2 })

    // whoever changes it without the key is found out; what the seed knew still counts
    await appendFile(at('stakes.jsonl'), (await readFile(at('stakes.jsonl'), 'utf8')).split('\n')[0]?.replace('20', '90') ?? '')
    while (!seed.stderr.includes('what it held before still counts')) {
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    expect(seed.stderr).to.include('Line 3 of the ledger of stakes')
    expect(admitted.events.filter(({ event }) => event === 'seed-refusal')).to.deep.equal([])
    const refused = await done('stake', 'show', '--ledger', at('stakes.jsonl'), '--authority', authority)
    expect(refused.code).to.equal(1)
    expect(refused.events[0]).to.deep.include({ event: 'error', name: 'StakeLedgerError' })
    expect((await done(...options)).code).to.equal(1)
  })

  it('end with status 2 when an option is missing that the policy needs, or is wrong', async () => {
    const wrong = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await done('seed', ...LOOPBACK, '--ephemeral', ...args)
      expect(code).to.equal(2)
      return stderr
    }
    expect(await wrong('--admission', 'token')).to.include('--token-authority: expected a value')
    expect(await wrong('--admission', 'token or')).to.include('a rule is missing')
    expect(await wrong('--registrations-per-system', '5')).to.include('--asn-file')
  })

  it('cap those of one autonomous system by the table that the seed is given, which has to be one', async () => {
    await writeFile(at('systems.mmdb'), systemTableFile({ '192.0.2.0/24': 64_496 }))
    const seed = start('seed', ...LOOPBACK, '--ephemeral', '--registrations-per-system', '5', '--asn-file', at('systems.mmdb'))
    await seed.event('listening')
    await writeFile(at('none.mmdb'), 'no table')
    const { code, events } = await done('seed', ...LOOPBACK, '--ephemeral', '--asn-file', at('none.mmdb'))
    expect(code).to.equal(1)
    expect(events.at(-1)).to.deep.include({ event: 'error', name: 'SystemTableError' })
  })
})
