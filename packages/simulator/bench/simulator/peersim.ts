/** PeerSim with its Kademlia module, if there is a jar of it: runs a configuration and reads what its observer printed. */
import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'

export interface PeerSimFigures {
  /** Nodes that were up at the end */
  nodes: number
  /** Lookups that came to an end */
  lookups: number
  hops: number
}

export interface PeerSimRun extends PeerSimFigures {
  cpuSeconds: number
}

/** PeerSim did not run, or printed nothing that can be read. */
export class PeerSimError extends Error {
  static override name = 'PeerSimError'
  override readonly name = 'PeerSimError'
  readonly output: string

  constructor (message: string, output: string) {
    super(message)
    this.output = output
  }
}

const MAX_OUTPUT = 1 << 20

/**
 * The last line of the module's `KademliaObserver`: `[time=…]:[N=… current nodes UP] [D=… msg deliv] [… min h] [… average h] …`. Numbers may have a
 * decimal
 * comma, as Java prints them in some languages.
 *
 * @throws {PeerSimError} when there is no such line
 */
export function parsePeerSim (output: string): PeerSimFigures {
  const line = output.split('\n').filter(text => /\[N=\d/.test(text) && /\[D=/.test(text)).at(-1)
  const number = (pattern: RegExp): number => Number(line?.match(pattern)?.[1]?.replace(',', '.') ?? NaN)
  const figures = { nodes: number(/\[N=(\d+)/), lookups: number(/\[D=([\d.,]+)/), hops: number(/\[([\d.,]+) average h/) }
  if (Number.isNaN(figures.nodes) || !(figures.lookups > 0)) {
    throw new PeerSimError('PeerSim printed no line of its KademliaObserver with lookups in it: is it in the configuration?', output)
  }
  return figures
}

/** @param jars the jar of PeerSim, and those it needs (djep, jep, the Kademlia module) */
export async function runPeerSim (jars: string[], configuration: string, java = 'java'): Promise<PeerSimRun> {
  const options = ['-Xmx8g', '-cp', jars.join(delimiter), 'peersim.Simulator', configuration]
  // the shell's `times` says at the end what its children used, all threads of Java among them
  const child = spawn('sh', ['-c', '"$0" "$@" 2>&1; code=$?; times >&2; exit $code', java, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  const streams = { output: '', times: '' }
  child.stdout.on('data', (chunk: Buffer) => { streams.output = (streams.output + chunk.toString()).slice(-MAX_OUTPUT) })
  child.stderr.on('data', (chunk: Buffer) => { streams.times = (streams.times + chunk.toString()).slice(-MAX_OUTPUT) })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) {
    throw new PeerSimError(`PeerSim ended with code ${code}`, streams.output)
  }
  return { ...parsePeerSim(streams.output), cpuSeconds: parseTimes(streams.times) }
}

/** User and system time of the children: the second line that `times` writes. */
function parseTimes (text: string): number {
  const times = [...text.matchAll(/(\d+)m([\d.]+)s/g)].slice(-2)
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
}
