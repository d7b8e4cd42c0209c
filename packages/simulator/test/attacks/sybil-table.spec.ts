import { expect } from 'chai'
import { closestContacts, ContactList, drawSortedIds, LookupRunner, SybilTable } from '../../src/index.ts'
import type { SybilIds } from '../../src/index.ts'

const STREAM = 900
const KEY = { hi: 0x12345678, lo: 0 }

/** Ids that share the first 20 bits with the key. */
function atKey (count: number): SybilIds {
  return { hi: Uint32Array.from({ length: count }, (_, i) => (KEY.hi & 0xfffff000) + i), lo: new Uint32Array(count) }
}

function contactsOf (table: SybilTable, node: number, bucket: number): number[] {
  const out = new ContactList(500)
  table.pushBucket(node, bucket, KEY.hi, KEY.lo, out)
  return Array.from(out.nodes.subarray(0, out.size))
}

describe('SybilTable', () => {
  it('without Sybils finds the k closest that are there', () => {
    const ids = drawSortedIds(7, 2000, 20)
    const runner = new LookupRunner(new SybilTable(ids, 7, 20, STREAM), { k: 20 }, () => 1)
    runner.run(3, KEY.hi, KEY.lo, { reason: 'exhausted', hops: 0, requests: 0, elapsedMs: 0 })
    const away = (node: number): number => ((ids.hi[node] as number) ^ KEY.hi) >>> 0
    const closest = Array.from(ids.hi.keys()).sort((a, b) => away(a) - away(b)).slice(0, 20)
    expect(Array.from(runner.found)).to.deep.equal(closest)
  })

  it('gives an honest node no bucket of more than k, nobody twice, and Sybils as often as their number lets expect', () => {
    const table = new SybilTable(drawSortedIds(1, 5000, 20), 1, 20, STREAM)
    table.setSybils(atKey(300), 'collude')
    // the key begins with 000: nodes of the other half have all Sybils in their first bucket, with 2,500 honest nodes
    let sybils = 0
    let nodes = 0
    for (let node = 0; node < table.honest; node += 3) {
      for (let bucket = 0; bucket < table.buckets - 1; bucket++) {
        const contacts = contactsOf(table, node, bucket)
        expect(contacts.length).to.be.at.most(20)
        expect(new Set(contacts).size).to.equal(contacts.length)
        if (bucket === 0 && table.idHi(node) >= 0x80000000) {
          sybils += contacts.filter(contact => !table.isHonest(contact)).length
          nodes++
        }
      }
    }
    expect(sybils / nodes / 20).to.be.closeTo(300 / 2800, 0.01)
  })

  it('lets Sybils name the nearest of their own, or ids at which nobody answers', () => {
    const table = new SybilTable(drawSortedIds(1, 5000, 20), 1, 20, STREAM)
    table.setSybils(atKey(50), 'collude')
    const out = new ContactList(500)
    closestContacts(table, table.honest + 9, KEY.hi, KEY.lo, 0, 20, out)
    const away = (node: number): number => (table.idHi(node) ^ KEY.hi) >>> 0
    const sybils = Array.from({ length: 50 }, (_, i) => table.honest + i).sort((a, b) => away(a) - away(b))
    expect(Array.from(out.nodes.subarray(0, out.size))).to.deep.equal(sybils.slice(0, 20))
    table.setSybils(atKey(50), 'forge')
    const lies = [contactsOf(table, table.honest, table.buckets - 1), contactsOf(table, table.honest + 1, table.buckets - 1)].flat()
    expect(new Set(lies).size).to.equal(40)
    expect(lies.some(node => table.isThere(node))).to.equal(false)
  })
})
