/**
 * Real nodes beside the machine in a simulated world: `node --conditions=skein-source packages/simulator/bench/simulator/real-nodes.ts NODES
 * LOOKUPS K`.
 */
import { compareWithReal } from '../../test/kademlia/real-network.ts'
import type { Way } from '../../test/kademlia/real-network.ts'

const [nodes = 100, lookups = 200, k = 8] = process.argv.slice(2).map(Number)
const result = await compareWithReal({ nodes, lookups, k, seed: 1, settleMs: 200 * nodes })

function line (name: string, ways: Way[]): string {
  const mean = (value: (way: Way) => number): string => (ways.reduce((sum, way) => sum + value(way), 0) / ways.length).toFixed(3)
  return `${name}: ${mean(way => way.hops)} hops, ${mean(way => way.requests)} requests, ${mean(way => Number(way.success))} found the ${k} closest`
}

console.log(`${nodes} nodes with ${result.contacts.toFixed(1)} contacts each, ${lookups} lookups, k = ${k}`)
console.log(line('real nodes', result.real))
console.log(line('machine', result.machine))
console.log(`the same peers in ${result.same} of ${lookups}`)
