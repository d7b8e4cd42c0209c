import { MemberWorld } from './member-world.ts'
import { SeededRandom, randomBelow, randomFloat } from '@skein/core'
const nodes = Number(process.argv[2] ?? 200)
const minutes = Number(process.argv[3] ?? 30)
const random = new SeededRandom(5)
const pool = nodes * 2
const world = new MemberWorld({ seed: 1, nodes: pool, bounds: {}, regionOf: () => 'eu-west', weightOf: n => n % 10 === 0 ? 1 : 0,
  loadsOf: n => n % 3 === 0 ? [{ model: `m${n % 10}`, free: 1 }] : [] })
for (let i = 0; i < nodes; i++) world.sim.at(i * 300_000 / nodes, i, () => world.sim.restart(i))
const t0 = performance.now()
world.sim.run(600_000)
console.log('settled', new Set(world.up().map(n => world.machine(n).memberCount)), world.clusters().size, Math.round(performance.now() - t0))
const before = { ...world.sent }
let next = nodes
let at = 600_000
let changes = 0
const meanMs = 19_400_000 / nodes
while (at < 600_000 + minutes * 60_000) {
  at += -Math.log(1 - randomFloat(random)) * meanMs
  const crash = randomFloat(random) < 0.5
  world.sim.run(at)
  const up = world.up(); const n = up[randomBelow(random, up.length)]!
  world.sim.at(at, n, () => { crash ? world.sim.crash(n) : world.leave(n) })
  const m = next++ % pool
  if (!world.sim.node(m).up) { world.sim.at(at, m, () => world.sim.restart(m)) }
  changes++
}
const dt = minutes * 60
console.log('changes', changes, 'up', world.up().length, Object.fromEntries(Object.entries(world.sent).map(([k, v]) => [k, ((v - (before as any)[k]) / nodes / dt).toFixed(1)])), 'total', (Object.entries(world.sent).reduce((s, [k, v]) => s + v - (before as any)[k], 0) / nodes / dt).toFixed(1), Math.round(performance.now() - t0))
const counts = new Map<number, number>(); for (const n of world.up()) { const c = world.machine(n).memberCount; counts.set(c, (counts.get(c) ?? 0) + 1) }
console.log([...counts].sort((a, b) => b[1] - a[1]).slice(0, 8), world.clusters().size, world.penalties.length)
