import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { parseSeedAddress } from '../../src/seed-address.ts'
import { lookUpSeeds } from '../../src/seed-lookup.ts'
import { SeedNameError } from '../../src/seed-name-error.ts'
import type { NameAnswer, NameResolver, SrvRecord } from '../../src/name-resolver.ts'
import type { SeedName } from '../../src/seed-address.ts'
import type { FoundSeeds } from '../../src/seed-lookup.ts'

const at = (i: number): string => `/ip4/192.0.2.${i}/tcp/7310`

/** Answers by name: texts of TXT records, or SRV records. */
class ScriptedResolver implements NameResolver {
  readonly asked: string[] = []
  private readonly texts: Record<string, string[]>
  private readonly targets: SrvRecord[]
  private readonly ttlsMs: Record<string, number>

  constructor (texts: Record<string, string[]>, targets: SrvRecord[] = [], ttlsMs: Record<string, number> = {}) {
    this.texts = texts
    this.targets = targets
    this.ttlsMs = ttlsMs
  }

  async txt (name: string): Promise<NameAnswer<string>> {
    this.asked.push(name)
    const records = this.texts[name.replace(/^_dnsaddr\./, '')]
    if (records === undefined) {
      throw new SeedNameError('not_found', name, `${name} is not there`)
    }
    return { records, ttlMs: this.ttlsMs[name.replace(/^_dnsaddr\./, '')] }
  }

  async srv (name: string): Promise<NameAnswer<SrvRecord>> {
    this.asked.push(name)
    return { records: this.targets }
  }
}

async function lookUp (text: string, resolver: NameResolver): Promise<FoundSeeds> {
  return await lookUpSeeds(parseSeedAddress(text) as SeedName, resolver, new SeededRandom(1), new AbortController().signal)
}

async function failure (work: Promise<unknown>): Promise<SeedNameError> {
  const error = await work.then(() => { throw new Error('no failure') }, error => error)
  expect(error, String(error)).to.be.instanceOf(SeedNameError)
  return error
}

describe('a dnsaddr name', () => {
  it('stands for the addresses in its records; what is about something else or is wrong is passed over', async () => {
    const { addresses } = await lookUp('/dnsaddr/a.test', new ScriptedResolver({
      'a.test': [`dnsaddr=${at(1)}`, 'v=spf1 -all', `dnsaddr=${at(2)}`, 'dnsaddr=', 'dnsaddr=here', `dnsaddr=${at(1)}`, 'dnsaddr=/dnsaddr/-', ` dnsaddr=${at(3)}`]
    }))
    expect(addresses.sort()).to.deep.equal([at(1), at(2)])
  })

  it('may stand for other names, three lookups deep, round in circles, and with some that are not there', async () => {
    const resolver = new ScriptedResolver({
      'a.test': ['dnsaddr=/dnsaddr/b.test', 'dnsaddr=/dnsaddr/gone.test', `dnsaddr=${at(1)}`],
      'b.test': ['dnsaddr=/dnsaddr/c.test', 'dnsaddr=/dnsaddr/a.test', `dnsaddr=${at(2)}`],
      'c.test': ['dnsaddr=/dnsaddr/d.test', `dnsaddr=${at(3)}`],
      'd.test': [`dnsaddr=${at(4)}`]
    }, [], { 'a.test': 300_000, 'b.test': 60_000 })
    const { addresses, ttlMs } = await lookUp('/dnsaddr/a.test', resolver)
    expect(addresses.sort()).to.deep.equal([at(1), at(2), at(3)])
    expect(ttlMs).to.equal(60_000)
    expect(resolver.asked).to.deep.equal(['a', 'b', 'gone', 'c'].map(name => `_dnsaddr.${name}.test`))
  })

  it('stands for 32 addresses at most, and for 16 lookups', async () => {
    const many = Array.from({ length: 100 }, (_, i) => `dnsaddr=${at(i + 1)}`)
    expect((await lookUp('/dnsaddr/a.test', new ScriptedResolver({ 'a.test': many }))).addresses).to.have.length(32)
    const wide = new ScriptedResolver({ 'a.test': [...Array.from({ length: 100 }, (_, i) => `dnsaddr=/dnsaddr/n${i}.test`), `dnsaddr=${at(1)}`] })
    await lookUp('/dnsaddr/a.test', wide)
    expect(wide.asked).to.have.length(16)
  })

  it('with a peer stands for that peer\'s addresses alone', async () => {
    const id = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
    const resolver = new ScriptedResolver({ 'a.test': [`dnsaddr=${at(1)}/p2p/${id}`, `dnsaddr=${at(2)}`] })
    expect((await lookUp(`/dnsaddr/a.test/p2p/${id}`, resolver)).addresses).to.deep.equal([`${at(1)}/p2p/${id}`])
  })

  it('without one address is an error that says why', async () => {
    expect(await failure(lookUp('/dnsaddr/a.test', new ScriptedResolver({})))).to.include({ problem: 'not_found' })
    const error = await failure(lookUp('/dnsaddr/a.test', new ScriptedResolver({ 'a.test': ['v=spf1 -all'] })))
    expect(error).to.include({ problem: 'no_addresses', seedName: '_dnsaddr.a.test' })
    expect(error.message).to.equal('The TXT records of _dnsaddr.a.test hold no "dnsaddr=…" with an address')
  })
})

describe('an SRV name', () => {
  const target = (host: string, priority = 1, port = 7310): SrvRecord => ({ target: host, port, priority, weight: 1 })

  it('stands for host and port of its records, by priority', async () => {
    const resolver = new ScriptedResolver({}, [target('spare.test', 2), target('Main.test.', 1, 443)])
    expect((await lookUp('srv:seeds.test', resolver)).addresses).to.deep.equal(['/dns/main.test/tcp/443', '/dns/spare.test/tcp/7310'])
    expect(resolver.asked).to.deep.equal(['_skein._tcp.seeds.test'])
  })

  it('passes over targets that are none: ".", a port of 0, what is no host name', async () => {
    const resolver = new ScriptedResolver({}, [target('.'), target('a.test', 1, 0), target('b.test/tcp/1/p2p/x'), target('c.test')])
    expect((await lookUp('srv:seeds.test', resolver)).addresses).to.deep.equal(['/dns/c.test/tcp/7310'])
    expect(await failure(lookUp('srv:seeds.test', new ScriptedResolver({}, [target('.')])))).to.include({ problem: 'no_addresses' })
  })
})
