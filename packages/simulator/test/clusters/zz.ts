import { MemberWorld } from './member-world.ts'
const nodes = Number(process.argv[2] ?? 200)
const minutes = Number(process.argv[3] ?? 10)
const world = new MemberWorld({ seed: 1, nodes, bounds: { minPeers: 16, maxPeers: 64 }, regionOf: n => n % 2 === 0 ? 'eu-west' : 'us-east',
  loadsOf: n => [{ model: `m${n % 10}`, free: 1 }] })
for (let i = 0; i < nodes; i++) world.sim.at(i * 60_000 / nodes, i, () => world.sim.restart(i))
for (let m = 1; m <= minutes; m++) {
  const t = performance.now()
  world.sim.run(m * 60_000)
  const clusters = [...world.clusters()]
  const sizes = clusters.map(([, p]) => p.length).sort((a, b) => a - b)
  const knows = world.up().filter(n => world.machine(n).memberCount === world.clusters().get(world.machine(n).scope)?.length).length
  const held = new Map<string, number>()
  for (const n of world.up()) for (const s of world.machine(n).held) held.set(s, (held.get(s) ?? 0) + 1)
  const doubles = [...held].filter(([, c]) => c > 1).length
  const sum = (n: number) => (world.where(n, 'm0') ?? []).map(a => a.free).join('+')
  const answers = new Map<string, number>()
  for (const n of world.up()) { const a = sum(n); answers.set(a, (answers.get(a) ?? 0) + 1) }
  console.log(m, 'clusters', clusters.length, 'sizes', sizes[0], sizes.at(-1), 'know', knows, 'held', held.size, 'doubles', doubles, 'answers', [...answers].sort((a,b)=>b[1]-a[1]).slice(0, 4).map(x => x.join(':')).join(' '), JSON.stringify(Object.fromEntries(Object.entries(world.sent).map(([k, v]) => [k, Math.round(v / nodes)]))), world.penalties.length, Math.round(performance.now() - t) + 'ms')
}
console.log(world.penalties.slice(0, 5))
const held2 = new Map<string, number[]>()
for (const n of world.up()) for (const s of world.machine(n).held) held2.set(s, [...held2.get(s) ?? [], n])
console.log([...held2].map(([s, n]) => s + ' ' + n.join()))
console.log([...world.clusters()].map(([s, p]) => s + ' ' + p.length))
console.log((world as any).advertised)
const tt = new Map<string, number>()
for (const n of world.up()) for (const t of world.machine(n).topics) tt.set(t, (tt.get(t) ?? 0) + 1)
console.log(tt)
for (const n of world.up()) if (world.machine(n).topics.length > 1) { console.log(n, world.machine(n).topics.join(' '), (world.machine(n) as any).levels.map((l: any) => [l.isListed, l.attachment.subscriberCount, l.table.size, l.coordinator && world.indexOf(l.coordinator), l.isHolder, l.seat?.place(world.sim.node(n).nowMs()), JSON.stringify(l.attachment.asked), l.attachment.seeking]).join(' | ')) }
