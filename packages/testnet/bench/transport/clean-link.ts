/** A cable between two machines without delay or loss: of network namespaces where they can be had, loopback elsewhere. */
import { spawn } from 'node:child_process'
import { Namespace, cable, newPrefix } from '../../src/nat-lab/namespaces.ts'
import { NatLabUnavailableError } from '../../src/nat-lab/index.ts'
import type { ChildProcess } from 'node:child_process'

const NET = '10.77.0'

export class CleanLink {
  readonly farAddress: string
  /** Addresses of the near machine */
  readonly sources: string[]
  private readonly near: Namespace | undefined
  private readonly far: Namespace | undefined

  private constructor (farAddress: string, sources: string[], near?: Namespace, far?: Namespace) {
    this.farAddress = farAddress
    this.sources = sources
    this.near = near
    this.far = far
  }

  static async open (addresses: number): Promise<CleanLink> {
    const sources = (net: string): string[] => Array.from({ length: addresses }, (_, at) => `${net}.${at + 2}`)
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      return new CleanLink('127.0.0.1', sources('127.0.0'))
    }
    const prefix = newPrefix()
    let near: Namespace
    try {
      near = await Namespace.create(`${prefix}n`)
    } catch (error) {
      if (error instanceof NatLabUnavailableError) {
        console.log(`The clean link is loopback: ${error.message}`)
        return new CleanLink('127.0.0.1', sources('127.0.0'))
      }
      throw error
    }
    const far = await Namespace.create(`${prefix}f`)
    await cable(near, 'eth0', far, 'eth0')
    await near.ip(sources(NET).map(source => `addr add ${source}/24 dev eth0`).join('\n'))
    await far.ip(`addr add ${NET}.1/24 dev eth0`)
    return new CleanLink(`${NET}.1`, sources(NET), near, far)
  }

  readonly startNear = (script: string, args: string[]): ChildProcess => startNode(this.near, script, args)
  readonly startFar = (script: string, args: string[]): ChildProcess => startNode(this.far, script, args)

  async close (): Promise<void> {
    await Promise.all([this.near, this.far].map(async namespace => { await namespace?.delete() }))
  }
}

/** A script in a namespace, or in none. */
export function startNode (namespace: Namespace | undefined, script: string, args: string[]): ChildProcess {
  const command = ['--conditions=skein-source', script, ...args]
  const options = { stdio: ['pipe' as const, 'pipe' as const, 'inherit' as const] }
  return namespace === undefined ? spawn(process.execPath, command, options) : namespace.spawn(process.execPath, command, options)
}
