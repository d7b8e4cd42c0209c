/** A fleet on loopback for tests: real nodes behind HTTP, a control plane, keys, and a caller. */
import { systemClock, systemRandom } from '@skein/core/system'
import { createControlPlane, issueKey, openStore, serveNode } from '@skein/fleet/node'
import { TestNode } from '../test-node.ts'
import type { FleetStore } from '@skein/fleet'
import type { ControlPlane, ControlPlaneInit, Scope, ServedNode } from '@skein/fleet/node'

export const NODE_KEY = 'a key of the node, of 32 and more'.replaceAll(' ', '-')

export interface Answer {
  status: number
  headers: Headers
  body: any
}

export class FleetWorld {
  readonly store: FleetStore
  readonly plane: ControlPlane
  readonly nodes: Array<{ node: TestNode, served: ServedNode }> = []
  readonly problems: string[]

  static async open (init: Partial<ControlPlaneInit> = {}): Promise<FleetWorld> {
    const store = init.store ?? await openStore(':memory:')
    const problems: string[] = []
    const limits = { key: { perSecond: 10_000, burst: 10_000 }, stranger: { perSecond: 10_000, burst: 10_000 } }
    const plane = await createControlPlane({
      port: 0, limits, pollMs: 100, onProblem: (message, error) => { problems.push(`${message}: ${error.message}`) }, ...init, store
    })
    return new FleetWorld(store, plane, problems)
  }

  private constructor (store: FleetStore, plane: ControlPlane, problems: string[]) {
    this.store = store
    this.plane = plane
    this.problems = problems
  }

  async addNode (id: string, capacity = 4, region = 'eu-west'): Promise<TestNode> {
    const node = new TestNode(id, capacity)
    const served = await serveNode({ agent: node, key: NODE_KEY, port: 0 })
    this.nodes.push({ node, served })
    await this.store.putNode({
      id, region, capacity, ingest: { host: '127.0.0.1', port: 5000 }, play: { host: '127.0.0.1', port: 4000 }, manageUrl: served.url, manageKey: NODE_KEY
    })
    return node
  }

  async key (scopes: Scope[], userId?: string): Promise<string> {
    return (await issueKey(this.store, systemRandom(), { scopes, userId }, systemClock().nowMs())).key
  }

  async ask (key: string | undefined, method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.plane.url}${path}`, {
      method,
      headers: { ...key === undefined ? {} : { authorization: `Bearer ${key}` }, ...body === undefined ? {} : { 'content-type': 'application/json' } },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  async close (): Promise<void> {
    await this.plane.close()
    await Promise.all(this.nodes.map(async ({ served }) => { await served.close() }))
    await this.store.close()
  }
}
