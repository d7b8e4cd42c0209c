/** A handful of the pairs of docs/nat-matrix.md, with the real `skein` command; `npm run bench -- nat-matrix` runs all. */
import { expect } from 'chai'
import { LabMesh } from './lab-mesh.ts'
import { openLab } from './open-lab.ts'
import type { NatKind } from '../../src/nat-lab/index.ts'

/** Provider, caller, and how that one reaches it in the end. */
const PAIRS: Array<[provider: NatKind, callers: Array<[caller: NatKind, path: string]>]> = [
  ['public', [['web-only', 'relayed'], ['symmetric-random', 'direct']]],
  ['port-restricted', [['full-cone', 'punched'], ['symmetric-random', 'relayed'], ['public', 'direct']]],
  // TCP gets through neither, UDP does
  ['restricted', [['symmetric-random', 'punched']]],
  ['full-cone', [['full-cone', 'punched'], ['symmetric-random', 'punched']]],
  ['ipv6', [['ipv6', 'direct'], ['cgnat', 'relayed']]]
]
const TOKENS = 20

describe('a provider behind a NAT and a caller behind another', function () {
  this.timeout(90_000)
  let mesh: LabMesh

  before(async function () {
    mesh = new LabMesh(await openLab(this))
    await mesh.startStun()
    await mesh.startRelay('seed')
  })

  afterEach(async () => { await mesh.stopProviders() })
  after(async () => { await mesh?.close() })

  for (const [kind, callers] of PAIRS) {
    it(`${kind}: ${callers.map(([caller, path]) => `${path} from ${caller}`).join(', ')}; every call is answered whole`, async () => {
      const provider = await mesh.startProvider(await mesh.lab.addHost(`p-${kind}`, kind))
      for (const [caller, path] of callers) {
        const host = mesh.lab.hosts.find(({ name }) => name === caller) ?? await mesh.lab.addHost(caller, caller)
        const result = await mesh.pair(host, provider, TOKENS)
        console.log(`      ${kind} from ${caller}: ${result.path} after ${result.pathMs} ms, first token after ${result.firstTokenMs} ms`)
        expect(result, caller).to.deep.include({ answered: 2, errors: [], path, nextPath: path })
      }
    })
  }
})
