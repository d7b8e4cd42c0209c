/** What the bench reads of PeerSim, with a script in the place of Java: there is no jar of PeerSim here. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parsePeerSim, PeerSimError, runPeerSim } from '../../bench/simulator/peersim.ts'

const LINES = [
  'Simulator: loading configuration',
  '[time=300000]:[N=9990 current nodes UP] [D=1200.000000 msg deliv] [1.000000 min h] [2.900000 average h] [6.000000 max h] [40 min l]',
  '[time=600000]:[N=10010 current nodes UP] [D=2500.000000 msg deliv] [1.000000 min h] [3.100000 average h] [6.000000 max h] [40 min l]'
]

describe('PeerSim', () => {
  let folder = ''
  let java = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'peersim-'))
    java = join(folder, 'java')
  })

  after(async () => { await rm(folder, { recursive: true }) })

  async function standIn (script: string): Promise<void> {
    await writeFile(java, `#!/bin/sh\n${script}\n`)
    await chmod(java, 0o755)
  }

  it('is read by the last line of its observer', () => {
    expect(parsePeerSim(LINES.join('\n'))).to.deep.equal({ nodes: 10_010, lookups: 2500, hops: 3.1 })
    expect(parsePeerSim(LINES.join('\n').replaceAll(/(\d)\.(\d{6})/g, '$1,$2'))).to.deep.equal({ nodes: 10_010, lookups: 2500, hops: 3.1 })
    expect(() => parsePeerSim('nothing')).to.throw(PeerSimError)
  })

  it('is run with its jars and configuration, and the CPU time that it takes is counted', async () => {
    const lines = LINES.map(line => `echo '${line}'`).join('\n')
    await standIn(`echo "$@" > ${folder}/arguments\n${lines}\ni=0; while [ $i -lt 100000 ]; do i=$((i+1)); done`)
    const run = await runPeerSim(['a.jar', 'b.jar'], 'kademlia.cfg', java)
    expect(run.lookups).to.equal(2500)
    expect(run.cpuSeconds).to.be.above(0)
  })

  it('says what came out when it fails', async () => {
    await standIn('echo no such class >&2; exit 1')
    const error = await runPeerSim(['a.jar'], 'kademlia.cfg', java).catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(PeerSimError)
    expect((error as PeerSimError).output).to.equal('no such class\n')
  })
})
