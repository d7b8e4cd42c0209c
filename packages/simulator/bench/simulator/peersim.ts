/** PeerSim with its Kademlia module, if there is a jar of it: runs a configuration and reads what its observer printed. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
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

const POLL_MS = 100
/** Ticks of /proc in a second, on all Linux of today. */
const TICKS_PER_SECOND = 100
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
  const child = spawn(java, ['-Xmx8g', '-cp', jars.join(delimiter), 'peersim.Simulator', configuration], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let cpuSeconds = 0
  const read = (chunk: Buffer): void => { output = (output + chunk.toString()).slice(-MAX_OUTPUT) }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const poll = (): void => { cpuSeconds = cpuSecondsOf(child.pid) ?? cpuSeconds }
  const timer = setInterval(poll, POLL_MS)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
      poll()
    })
    if (code !== 0) {
      throw new PeerSimError(`PeerSim ended with code ${code}`, output)
    }
    return { ...parsePeerSim(output), cpuSeconds }
  } finally {
    clearInterval(timer)
  }
}

/** Up to 100 ms old when the process has ended: what it used after that is not counted. */
function cpuSecondsOf (pid: number | undefined): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return undefined
  }
}
