/** WebRTC between nodes behind real NATs, with a STUN server of one's own, and a TURN server where nothing else helps. */
import { spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { NatLab, NatLabUnavailableError } from '../../src/nat-lab/index.ts'
import type { ChildProcess } from 'node:child_process'
import type { NatHost, NatKind } from '../../src/nat-lab/index.ts'

const NODE = fileURLToPath(new URL('webrtc-node.ts', import.meta.url))

interface Line {
  listening?: string
  connected?: boolean
  ms?: number
  echoed?: number
  reason?: string
}

describe('WebRTC through real NATs', function () {
  this.timeout(90_000)
  let lab: NatLab
  let relayHost: NatHost
  let hosts = 0
  const running: ChildProcess[] = []

  before(async function () {
    try {
      lab = await NatLab.open()
    } catch (error) {
      if (error instanceof NatLabUnavailableError) {
        console.log(`      left out: ${error.message}`)
        this.skip()
      }
      throw error
    }
    relayHost = await lab.addHost('relay', 'public')
  })

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async child => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise(resolve => child.once('exit', resolve))
        child.kill('SIGKILL')
        await ended
      }
    }))
  })
  after(async () => { await lab?.close() })

  /** The first line of a node that is started in a host. */
  async function first (host: NatHost, ...args: string[]): Promise<Line> {
    const child = host.spawn(process.execPath, ['--conditions=skein-source', NODE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    running.push(child)
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      return JSON.parse(line) as Line
    }
    throw new Error('The node ended')
  }

  async function meet (a: NatKind, b: NatKind, options: Record<string, unknown> = {}): Promise<Line> {
    const { listening: relay = '' } = await first(relayHost, 'relay', relayHost.address)
    const given = JSON.stringify({ stun: [`/ip4/${relayHost.address}/udp/3478`], ...options })
    const [hostA, hostB] = [await lab.addHost(`wa${hosts}`, a), await lab.addHost(`wb${hosts++}`, b)]
    const { listening = '' } = await first(hostB, 'listen', relay, given)
    return await first(hostA, 'dial', listening, given)
  }

  const pairs: Array<[NatKind, NatKind]> = [
    ['port-restricted', 'port-restricted'], ['cgnat', 'port-restricted'], ['symmetric-random', 'full-cone'], ['restricted', 'symmetric-random']
  ]
  for (const [a, b] of pairs) {
    it(`from ${a} to ${b} works, with one STUN server`, async () => {
      const line = await meet(a, b)
      expect(line).to.deep.include({ connected: true, echoed: 300_000 })
      console.log(`      connected after ${line.ms} ms`)
    })
  }

  it('between two symmetric NATs fails without TURN', async () => {
    expect(await meet('symmetric-random', 'symmetric-random')).to.include({ connected: false })
  })

  it('between two symmetric NATs works with TURN', async function () {
    if (spawnSync('turnserver', ['--help']).error !== undefined) {
      console.log('      left out: turnserver is not installed (apt-get install coturn)')
      this.skip()
    }
    const turnHost = await lab.addHost('turn', 'public')
    running.push(turnHost.spawn('turnserver', [
      '-n', '--no-cli', '--no-tls', '--no-dtls', '--listening-ip', turnHost.address, '--relay-ip', turnHost.address, '--listening-port', '3479',
      '--lt-cred-mech', '--realm', 'skein', '--user', 'skein:lab', '--log-file', 'stdout', '--pidfile', '/dev/null', '--userdb', '/dev/null'
    ], { stdio: process.env.TURN_LOG === undefined ? 'ignore' : 'inherit' }))
    const turn = [{ url: `turn:${turnHost.address}:3479`, username: 'skein', credential: 'lab' }]
    const line = await meet('symmetric-random', 'symmetric-random', { turn })
    expect(line).to.deep.include({ connected: true, echoed: 300_000 })
    console.log(`      connected after ${line.ms} ms`)
  })
})
