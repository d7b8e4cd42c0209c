import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { crc32 } from '@skein/core'
import { expect } from 'chai'
import { lotDay, SeatLots } from '../src/index.ts'

interface Vector {
  beacon: string
  region: string
  atMs: number
  peer: string
  day: number
  /** The first 48 bits of the hash */
  draw: string
  lot: number
}

const vectors = JSON.parse(readFileSync(new URL('vectors/lots.json', import.meta.url), 'utf8')) as Vector[]

/** As the specification has it, step by step and with another library. */
function draw ({ beacon, region, atMs, peer }: Vector): { day: number, draw: string, lot: number } {
  const id = Buffer.from(peer)
  const day = Math.floor(atMs / 86_400_000 - crc32(id.subarray(-8)) / 2 ** 32)
  const key = createHash('sha256').update(`skein super-node 1\n${beacon}\n${region}\n${day}`).digest()
  const hash = createHash('sha256').update(key).update(Buffer.alloc(32)).update(id).digest()
  return { day, draw: hash.toString('hex', 0, 6), lot: -Math.log((hash.readUIntBE(0, 6) + 0.5) / 2 ** 48) }
}

describe('The lot of a candidate', () => {
  for (const vector of vectors) {
    const { beacon, region, atMs, peer, day, lot } = vector
    it(`is as in the vector: ${peer} in ${region} on day ${day}`, () => {
      const found = draw(vector)
      expect(found.day).to.equal(day)
      expect(found.draw).to.equal(vector.draw)
      expect(found.lot).to.be.closeTo(lot, 1e-12)
      expect(lotDay(new TextEncoder().encode(peer), atMs)).to.equal(day)
      expect(new SeatLots({ region, beaconOf: () => beacon }, atMs).lotOf(peer)).to.be.closeTo(lot, 1e-12)
    })
  }

  it('is in the specification as in the vectors', () => {
    const spec = readFileSync(new URL('../../../docs/specs/super-nodes.md', import.meta.url), 'utf8')
    expect(vectors).to.have.length(3)
    for (const vector of vectors) {
      expect(spec).to.include(`\`${vector.draw}\``)
    }
    const leases = JSON.parse(readFileSync(new URL('../../records/test/vectors/leases.json', import.meta.url), 'utf8'))
    for (const { envelope } of leases.leases) {
      expect(spec).to.include(`\`${envelope}\``)
    }
  })

  it('is that of a uniform draw', () => {
    const lots = new SeatLots({ region: 'eu-west' }, 1_790_000_000_000)
    const all = Array.from({ length: 20_000 }, (_, i) => lots.lotOf(`peer ${i}`))
    expect(all.reduce((a, b) => a + b) / all.length).to.be.closeTo(1, 0.03) // four standard deviations
    expect(all.filter(lot => lot < Math.LN2).length / all.length).to.be.closeTo(0.5, 0.015)
  })

  it('needs an id of at most 128 bytes', () => {
    expect(() => new SeatLots({ region: '' }, 0).lotOf('x'.repeat(129))).to.throw(RangeError)
  })
})
